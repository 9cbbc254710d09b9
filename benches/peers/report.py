"""Tables of what was measured."""

from statistics import median

from contenders import OURS

_HEAD = ["proxy", "µs CPU/request", "× ours", "requests/s", "p50 µs", "p99 µs", "p99.9 µs"]


def table(scenario, samples, markdown):
    """Returns a table; `samples` maps each contender to its sample of each round."""
    ours = next((found for contender, found in samples.items() if contender.name == OURS), None)
    rows = [_row(contender, found, ours, scenario) for contender, found in samples.items()]
    last = ["µs CPU of all", "requests/CPU s"] if scenario.workers else ["busy", "others"]
    head = [*_HEAD, *last]
    lines = _markdown(head, rows) if markdown else _plain(head, rows)
    title = f"{'### ' * markdown}{scenario.name}: {scenario.title}"
    return "\n".join([title, "", *lines, ""])


def _row(contender, samples, ours, scenario):
    row = [
        contender.title,
        _spread([sample.processor_us for sample in samples], 1),
        _ratio(samples, ours),
        _spread([sample.rate for sample in samples], 0),
        *(f"{median(sample.latencies_us[index] for sample in samples):,.0f}" for index in range(3)),
    ]
    if scenario.workers:
        everybody = _spread([sample.everybody_us for sample in samples], 1)
        return [*row, everybody, _spread([1e6 / sample.processor_us for sample in samples], 0)]
    shares = [[sample.busy for sample in samples], [sample.others for sample in samples]]
    return [*row, *(f"{median(share):.0%}" for share in shares)]


def _spread(values, digits):
    least, most = min(values), max(values)
    text = f"{median(values):,.{digits}f}"
    return text if len(values) == 1 else f"{text} ({least:,.{digits}f} to {most:,.{digits}f})"


def _ratio(samples, ours):
    """Compares round by round, for what disturbs one round disturbs all in it."""
    if not ours:
        return ""
    pairs = zip(samples, ours)
    return _spread([sample.processor_us / own.processor_us for sample, own in pairs], 2)


def _plain(head, rows):
    widths = [max(map(len, column)) for column in zip(head, *rows)]

    def line(cells):
        first, *rest = zip(cells, widths)
        return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])

    return [line(cells) for cells in [head, *rows]]


def _markdown(head, rows):
    rule = ["---", *("--:" for _ in head[1:])]
    return [f"| {' | '.join(cells)} |" for cells in [head, rule, *rows]]
