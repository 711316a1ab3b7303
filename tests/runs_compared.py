"""What runs leave, without what tells who computed them, and when, and what killed processes were writing."""

import csv
import re

from crossbar.output_files import PART

NOT_COMPARED = {"environment.json", "timing.jsonl", "lock", "journal.log"}
_SECONDS = re.compile(r'"seconds": [^,\n}]+')
_ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)


def contents(folder):
    """Return what the files below `folder` hold, without times and hosts, and with its own place as FOLDER."""
    return {
        str(path.relative_to(folder)): _without_times(path, path.read_bytes().replace(bytes(folder), b"FOLDER"))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in NOT_COMPARED and path.suffix != PART
    }


def _without_times(path, content):
    """Return `content` without training's wall times: a key of JSON, a column of tables."""
    if path.suffix == ".json":
        return _SECONDS.sub("", content.decode())
    if path.name == "study.csv":
        return [row for row in csv.DictReader(content.decode().splitlines()) if row.pop("seconds")]
    if path.name == "study.html":
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in _ROW.findall(content.decode())]
        at = rows[0].index("seconds")
        return [row[:at] + row[at + 1 :] for row in rows], _ROW.sub("", content.decode())
    return content
