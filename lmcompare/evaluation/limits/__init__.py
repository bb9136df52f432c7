"""The limits of autoregression, each as a measured experiment: one module each, none knows another."""
