"""Its being here lets the tests in folders below import the helpers beside it."""
