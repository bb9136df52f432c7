"""Numbers as people read them: digits that the uncertainty supports, units, signs, the sign for infinity.

Formats and nothing else: no statistic is computed here, and no language is known here (the signs and
SI prefixes are the same in all of them).
"""

from __future__ import annotations

import math
import re

MISSING = "–"
_BREAKS = re.compile(
    r"(?<=\d) (?=(?:%|k|M|G|[kMGT]?B|ms|s|min|h)(?!\w))"
    r"|(?<=\bp) (?=[<=])|(?<=[<=]) (?=\d)|(?<=\d,) (?=[\d−+∞])"
)
_SI = ("", "k", "M", "G", "T")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def fixed(value: float, decimals: int) -> str:
    """`value` with a true minus sign, thousands separators, and ∞ where it is infinite."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = "−" + text[1:] if float(text.replace(",", "")) else text[1:]
    return text


def decimals_of(low: float, high: float, default: int) -> int:
    """Decimals that show two significant digits of half the interval; `default` where there is none."""
    half = (high - low) / 2
    if not math.isfinite(half) or half <= 0:
        return default
    return max(0, min(4, 1 - math.floor(math.log10(half))))


def with_interval(value: float, ci: tuple[float, float], default: int = 1) -> str:
    """A value and its interval at the same digits: `220.1 [214.9, 225.6]`; the value alone without one."""
    low, high = ci
    if not all(map(math.isfinite, (value, low, high))):
        return fixed(value, default)
    decimals = decimals_of(low, high, default)
    return f"{fixed(value, decimals)} [{fixed(low, decimals)}, {fixed(high, decimals)}]"


def perplexity(value: float) -> str:
    """A perplexity without an interval, at four significant digits or one decimal: `3.142`, `220.1`."""
    if not math.isfinite(value):
        return fixed(value, 0)
    return fixed(value, max(1, 3 - math.floor(math.log10(max(value, 1.0)))))


def signed(value: float, decimals: int) -> str:
    """A difference with its sign: `+0.31`, `−0.31`."""
    return ("+" if value > 0 else "") + fixed(value, decimals)


def count(value: float) -> str:
    """A count at three significant digits with an SI prefix: `843`, `12.3 k`, `1.85 M`."""
    return _scaled(value, _SI)


def tick(value: float) -> str:
    """A round number at an axis, as short as it can be: `0.5`, `200 k`, `1 M`."""
    step = 0
    while abs(value) >= 1000 and step + 1 < len(_SI):
        value, step = value / 1000, step + 1
    return f"{value:g} {_SI[step]}".rstrip().replace("-", "−")


def tick_of_time(seconds: float) -> str:
    """A round time at an axis: `0.1 s`, `30 s`, `10 min`, `1 h`."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"


def tick_of_size(value: float) -> str:
    """A round number of bytes at an axis: `500 B`, `20 MB`."""
    text = tick(value)
    return f"{text}B" if " " in text else f"{text} B"


def size(value: float) -> str:
    """Bytes in decimal units: `512 B`, `14.2 MB`."""
    return _scaled(value, ("B", "kB", "MB", "GB", "TB"))


def percent(share: float) -> str:
    """A share in percent, without the sign: `0.31`, `8.4`, `50`."""
    return fixed(100 * share, 2 if abs(share) < 0.00995 else 1 if abs(share) < 0.0995 else 0)


def duration(seconds: float) -> str:
    """A time at two significant digits or one decimal: `0.42 s`, `1.0 s`, `38 s`, `4.2 min`, `1.3 h`."""
    if not math.isfinite(seconds):
        return MISSING
    if seconds == 0:
        return "0 s"
    if seconds < 0.00995:
        return f"{seconds * 1000:#.2g} ms".replace(". ", " ")
    if seconds < 9.95:
        return f"{seconds:#.2g} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7197 else f"{seconds / 3600:.1f} h"


def p_value(p: float) -> str:
    """A p value as an (in)equation: `p = 0.012`, `p < 0.001`."""
    if math.isnan(p):
        return f"p = {MISSING}"
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.4f}" if p < 0.00995 else f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def probability(value: float) -> str:
    """A probability at three significant digits, small ones as powers of ten: `0.0123`, `3.20×10⁻⁵`."""
    if value == 0 or math.isnan(value):
        return "0" if value == 0 else MISSING
    if value >= 0.001:
        decimals = max(3, 2 - math.floor(math.log10(value)))
        return f"{value:.{decimals}f}" if value < 0.9995 else f"{value:.4f}"
    return power_of_ten(math.log10(value))


def factor(logprob: float) -> str:
    """The probability of a natural log-probability, however small: `0.0123`, `1.85×10⁻⁴²⁰`."""
    return probability(math.exp(logprob)) if logprob > -600 else power_of_ten(logprob / math.log(10))


def power_of_ten(log10: float) -> str:
    """A number too small for a float, from its decimal logarithm: `1.85×10⁻⁴²`."""
    if math.isinf(log10) or math.isnan(log10):
        return "0" if log10 < 0 else MISSING
    exponent = math.floor(log10)
    digits = f"{10 ** (log10 - exponent):.2f}"
    if digits == "10.00":
        digits, exponent = "1.00", exponent + 1
    return digits if exponent == 0 else f"{digits}×10{str(exponent).translate(_SUPERSCRIPT)}"


def unbroken(text: str) -> str:
    """A text in which no line ends between a number and its sign or unit, nor inside an interval."""
    return _BREAKS.sub("\u00a0", text)


def _scaled(value: float, prefixes: tuple[str, ...]) -> str:
    if not math.isfinite(value):
        return MISSING
    step = 0
    while abs(value) >= 999.5 and step + 1 < len(prefixes):
        value, step = value / 1000, step + 1
    whole = abs(value) >= 99.95 or (step == 0 and float(value).is_integer())
    text = f"{value:.0f}" if whole else f"{value:.2f}" if abs(value) < 9.995 else f"{value:.1f}"
    return f"{text} {prefixes[step]}".rstrip()
