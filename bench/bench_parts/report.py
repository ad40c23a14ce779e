"""The table of results, with what the numbers are to be."""

import time

from .machine import facts

# A case's beginning, and what decides: a name of a figure, the sign, the bound, and for which database.
GOALS = [
    ("hot: one article", "ratio", ">=", 0.90, None),
    ("hot: section list", "ratio", ">=", 0.90, None),
    ("hot: 304", "ratio", ">=", 0.90, None),
    ("hot: one article", "p99_ratio", "<=", 1.5, None),
    ("hot: section list", "p99_ratio", "<=", 1.5, None),
    ("hot: 304", "p99_ratio", "<=", 1.5, None),
    ("cold: one article of 1,000 against pgbench", "ratio", ">=", 0.6, "postgres"),
    ("cold: section list of 20 against pgbench", "ratio", ">=", 0.6, "postgres"),
    ("cold: one article of 1,000", "rate", ">=", 8600, "sqlite"),
    ("cold: section list of 20", "rate", ">=", 3400, "sqlite"),
    ("draft POST of 4 kB, 8 connections", "ratio", ">=", 0.5, None),
    ("draft POST of 4 kB, 64 connections", "ratio", ">", 1.0, "sqlite"),
    ("publish an article", "time_ratio", "<=", 2.0, None),
    ("save an article", "cpu", "<=", 5000, "sqlite"),
    ("overload: reads", "ratio", ">=", 0.8, None),
    ("overload: mix", "ratio", ">=", 0.8, None),
    ("overload: mix", "p99_ratio", "<=", 2.0, None),
    ("mix of 95", "ratio", ">=", 0.7, None),
    ("hot: feed", "ratio", ">=", 0.90, None),
    ("cold: feed", "p50", "<=", 15, "sqlite"),
    ("poll of the change feed", "cpu", "<=", 1000, None),
    ("a publication reaches", "p99", "<=", 500, None),
    ("a publication reaches", "more_mb", "<=", 64, None),
    ("webhooks to", "rate", ">=", 1000, None),
    ("webhooks to", "p99_ratio", "<=", 1.2, None),
    ("start to ready", "p50", "<=", 1000, None),
    ("memory with a cold cache", "mb", "<=", 64, None),
    ("memory after", "peak_mb", "<=", 256, None),
]

NAMES = {"ratio": "ratio", "rate": "rate", "p99_ratio": "p99", "time_ratio": "time", "cpu": "CPU", "p50": "time",
         "mb": "MB", "peak_mb": "peak MB", "p99": "p99", "more_mb": "more MB"}


def goals_of(row):
    found = []
    for case, figure, sign, bound, database in GOALS:
        fits = row["case"].startswith(case) and database in (None, row["database"])
        # Without the cache against pgbench, only the comparison counts.
        if "against pgbench" in row["case"] and "against pgbench" not in case:
            fits = False
        if fits and row.get(figure) is not None:
            value = row[figure]
            met = {">=": value >= bound, "<=": value <= bound, ">": value > bound}[sign]
            found.append(f"{NAMES[figure]} {sign} {bound:g}: {'yes' if met else '**no**'}")
    return ", ".join(found)


def number(value, digits=0):
    return "" if value is None else f"{value:,.{digits}f}"


def first(row, *names):
    return next((row[name] for name in names if row.get(name) is not None), None)


def table(rows):
    lines = [
        "| case | a second | floor or bare | ratio | p50 ms | p99 ms | p99 / floor | CPU µs | floor CPU µs | core | failed | goal |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        cells = [
            row["case"], number(row.get("rate")), number(first(row, "floor", "bare")), number(first(row, "ratio"), 2),
            number(row.get("p50"), 2), number(row.get("p99"), 2), number(row.get("p99_ratio"), 2),
            number(row.get("cpu"), 1), number(row.get("floor_cpu"), 1), number(row.get("share"), 2),
            number(row.get("failed")), goals_of(row),
        ]
        for name, text in (("bare_p50", "bare {:.2f} ms"), ("time_ratio", "{:.2f} times that"),
                           ("bare_8", "bare with 8 connections {:,.0f}"), ("writes", "{:,.0f} writes a second"), ("put_off", "{:.1%} put off"),
                           ("mb", "{:.0f} MB"), ("more_mb", "{:.0f} MB more"), ("peak_mb", "peak {:.0f} MB"), ("database_mb", "database {:,.0f} MB")):
            if row.get(name) is not None:
                cells[0] += "; " + text.format(row[name])
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def scaling(rows):
    """How the largest newsroom compares to the smallest, and the deep page to the first."""
    lines = []
    at = {(row["database"], row["articles"], row["case"]): row for row in rows}
    sizes = sorted({row["articles"] for row in rows})
    for database in sorted({row["database"] for row in rows}):
        for case, bound in (("cold: one article of 1,000", 1.3), ("cold: section list of 20", 1.5)):
            few, many = at.get((database, sizes[0], case)), at.get((database, sizes[-1], case))
            if few and many and few is not many:
                ratio = many["cpu"] / few["cpu"]
                lines.append(f"- {database}, {case}: {sizes[-1]:,} articles take {ratio:.2f} times the processor time of "
                             f"{sizes[0]:,} (goal ≤ {bound}: {'yes' if ratio <= bound else '**no**'}).")
        for size in sizes:
            shallow = at.get((database, size, "cold: first page of all articles"))
            deep = next((row for row in rows if row["database"] == database and row["articles"] == size
                         and row["case"].startswith("cold: page ")), None)
            if shallow and deep:
                ratio = deep["p99"] / shallow["p99"]
                lines.append(f"- {database}, {size:,} articles, {deep['case']}: p99 is {ratio:.2f} times that of the first "
                             f"page (goal ≤ 1.3: {'yes' if ratio <= 1.3 else '**no**'}).")
    return lines


def markdown(rows, args):
    about = facts()
    lines = [
        "# Results of the bench", "",
        f"Written by `bench/run` on {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC at {about['revision']}: "
        f"{about['processor']}, Linux {about['kernel']}, load average at the end {about['load']}. "
        f"Medians of {args.rounds} runs of {args.seconds} s; floor and server in turn. "
        "[README.md](README.md) says what the columns mean.", "",
    ]
    for database in dict.fromkeys(row["database"] for row in rows):
        for articles in dict.fromkeys(row["articles"] for row in rows if row["database"] == database):
            lines += [f"## {database}, {articles:,} articles", ""]
            lines += table([row for row in rows if row["database"] == database and row["articles"] == articles])
            lines.append("")
    compared = scaling(rows)
    if compared:
        lines += ["## Many articles, deep pages", "", *compared, ""]
    return "\n".join(lines)
