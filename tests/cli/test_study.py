"""A study: parts alone, run, shown, compared and put into a paper like any evaluation."""

from __future__ import annotations

import csv
import io
import json
from zipfile import ZipFile

import pytest
from paper_builders import in_line, members_of, waiting_block, waiting_run, word_paper
from small_project import MODULE, contents, make_project

STUDY = '''"""What was done?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from cseval.errors import DataError
from cseval.part import PartResult
from cseval.study import Study
from cseval.tables import Table


def draw(canvas, frame):
    axes = canvas.subplots()
    axes.bar(frame["action"], frame["count"])


def picture(frame):
    from cseval.reporting.figures import Figure

    return Figure(
        name="work", title="Work done", alt="Forty patrols and twelve visits were counted in the year.",
        caption="By kind.", data=frame, draw=partial(draw, frame=frame),
    )


def refuse():
    return "No second figure: there is nothing to draw."


@dataclass(frozen=True, kw_only=True)
class Work:
    name: str = "work"
    patrols: int = 40

    def run(self, ground):
        import pandas as pd

        if ground.data == "demonstration" and self.patrols == 13:
            raise DataError("nothing of it can be simulated", where="work", expected="real data")
        frame = pd.DataFrame({"action": ["patrol", "<b>visit</b>"], "count": [self.patrols + ground.seed, 12]})
        table = Table(slug="work-done", title="Work done by kind", values=frame, source="The team's returns")
        return PartResult(
            slug="work", heading="What was done", headline=f"{self.patrols} patrols were counted.",
            sentences=("Twelve visits were made.",), tables=(table,), weaknesses=("Nobody checked the returns.",),
            figures={"work": partial(picture, frame), "second": refuse},
        )


@dataclass(frozen=True, kw_only=True)
class Absent:
    name: str = "opinions"

    def run(self, ground):
        raise DataError("no survey is imported", where="opinions", expected="a table of answers")


EVALUATION = Study(
    slug="small-study", title="A small study", question="What was done?", register="", parts=(Work(), Absent()),
    reasons=(("returns", "There is nothing else."),), limits=("Work done is not harm avoided.",),
)
'''
RUN = ("run", "small-study", "--seed", "1")
FOLDER = "outputs/small-study"


@pytest.fixture
def project(fresh):
    return make_project(fresh, STUDY, "study.py")


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_a_study_leaves_report_tables_figures_and_manifest(project, cseval):
    said = cseval(*RUN)
    assert said.code == 0, said.err
    assert "40 patrols were counted." in said.out
    assert "left out: opinions: no survey is imported" in said.out
    folder = project / FOLDER
    assert rows(folder / "work_done.csv")[0] == {"action": "patrol", "count": "41"}
    assert {p.name for p in (folder / "figures").iterdir()} == {"work.png", "work.svg", "work.csv"}
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["headline"] == "40 patrols were counted."
    assert manifest["left_out"][-1] == "No second figure: there is nothing to draw."
    package = json.loads((folder / "datapackage.json").read_bytes())
    assert {r["path"] for r in package["resources"]} == {"work_done.csv", "figures/work.csv", "weaknesses.csv"}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<b>visit</b>" not in page
    assert "Work done is not harm avoided." in page
    with ZipFile(folder / "report.docx") as archive:
        assert "40 patrols were counted." in archive.read("word/document.xml").decode()


def test_two_runs_leave_the_same_and_diff_finds_nothing(project, cseval):
    assert cseval(*RUN).code == 0
    first = {p: h for p, h in contents(project).items() if not p.endswith("manifest.json")}
    assert cseval(*RUN).code == 0
    assert {p: h for p, h in contents(project).items() if not p.endswith("manifest.json")} == first
    assert cseval("diff", "small-study").code == 0
    make_project(project, STUDY.replace("patrols: int = 40", "patrols: int = 39"), "study.py")
    changed = cseval("diff", "small-study")
    assert changed.code == 1
    assert "work_done.csv: row 2, column count: '40', on disk '41'" in changed.out, changed.out


def test_the_protocol_names_its_parts_and_has_a_hash(project, cseval):
    said = cseval("show", "small-study")
    assert said.code == 0
    assert "Parts: work (patrols 40), opinions." in said.out
    told = json.loads(cseval("show", "small-study", "--json").out)
    make_project(project, STUDY.replace("patrols: int = 40", "patrols: int = 39"), "study.py")
    assert json.loads(cseval("show", "small-study", "--json").out)["hash"] != told["hash"]


@pytest.mark.parametrize(
    ("command", "lacks"), [("check", "design to check"), ("calibrate", "error rate to measure"), ("power", "power")]
)
def test_commands_on_effects_refuse_a_study(project, cseval, command, lacks):
    said = cseval(command, "small-study")
    assert said.code == 2
    assert said.err == (
        f"Error: small-study is a study, which estimates no effect on counts and so has no {lacks}; "
        "expected one of small-evaluation.\n"
    )


def test_one_analysis_alone_is_refused(project, cseval):
    said = cseval(*RUN, "--only", "work", "--out", "part")
    assert said.code == 2
    assert "small-study is a study of parts" in said.err
    assert not (project / "part").exists()


def test_a_study_of_which_nothing_can_be_made_writes_nothing(project, cseval):
    make_project(project, STUDY.replace("(Work(), Absent())", "(Absent(),)"), "study.py")
    said = cseval(*RUN)
    assert said.code == 2
    assert "no part of it can be made" in said.err
    assert not (project / "outputs").exists()


def test_a_part_twice_is_refused(project, cseval):
    make_project(project, STUDY.replace("(Work(), Absent())", "(Work(), Work())"), "study.py")
    said = cseval("show", "small-study")
    assert (said.code, "part 'work' twice" in said.err) == (2, True)


def test_a_paper_shows_a_study_by_its_tags_and_is_not_made_of_it(project, cseval):
    assert cseval(*RUN).code == 0
    said = cseval("new", "paper", "--evaluation", "small-study", "--out", "paper.docx")
    assert said.code == 2
    assert "small-study is a study without an effect of its own" in said.err
    places = json.loads((project / FOLDER / "places.json").read_bytes())
    assert places["values"]["work"]["headline"] == "40 patrols were counted."
    assert set(places["tables"]) == {"work-done", "weaknesses"}
    body = waiting_block("cseval:small-study/table/work-done") + in_line(
        "So: ", waiting_run("cseval:small-study/value/work/headline")
    )
    (project / "paper.docx").write_bytes(word_paper(body))
    said = cseval("embed", "paper.docx")
    assert said.code == 0, said.err
    text = members_of((project / "paper.docx").read_bytes())["word/document.xml"].decode()
    assert "40 patrols were counted." in text
    assert ">patrol<" in text
    assert "Source: The team" in text
    assert cseval("embed", "paper.docx", "--check").code == 0


# Everything at once -----------------------------------------------------------------------------------------


def test_all_says_each_in_a_line_and_one_that_fails_does_not_stop_the_others(project, cseval):
    broken = MODULE.replace("small-evaluation", "broken-evaluation").replace('first="2017-05"', 'first="1990-05"')
    make_project(project, broken, "broken.py")
    said = cseval("run", "--all", "--draws", "99")
    assert said.code == 2
    lines = said.out.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["small-evaluation", "small-study"]
    assert lines[1].startswith("small-study (real data, ")
    assert lines[1].endswith("s): 40 patrols were counted.")
    assert said.err.startswith("broken-evaluation: not run. ")
    assert (project / FOLDER / "report.html").is_file()


def test_all_on_demonstration_data_says_why_there_is_none(project, cseval):
    reason = 'real_only="It is about a real team.", limits='
    make_project(project, STUDY.replace("limits=", reason), "study.py")
    said = cseval("run", "--all", "--draws", "99", "--data", "demonstration")
    assert said.code == 0, said.err
    assert "small-study: nothing to run on these data. It is about a real team." in said.out
    assert not (project / "outputs" / "demonstration" / "small-study").exists()
    alone = cseval(*RUN, "--data", "demonstration")
    assert alone.code == 2
    assert alone.err.startswith("Error: --data: small-study has no demonstration: It is about a real team")


def test_whole_evaluations_spread_over_workers_leave_the_same(project, cseval):
    assert cseval("run", "--all", "--draws", "99").code == 0
    alone = {p: h for p, h in contents(project).items() if not p.endswith("manifest.json")}
    shared = cseval("run", "--all", "--draws", "99", "--workers", "2")
    assert shared.code == 0, shared.err
    assert {p: h for p, h in contents(project).items() if not p.endswith("manifest.json")} == alone


def test_a_part_stands_in_the_report_of_an_evaluation(project, cseval):
    part = STUDY.split("EVALUATION = ")[0].split("from __future__ import annotations\n")[1]
    module = MODULE.replace("PLACEBO = (", f"{part}\n\nPLACEBO = (", 1).replace(
        'limits=("One', 'parts=(Work(patrols=13), Work(name="again"), Absent()), limits=("One'
    )
    make_project(project, module)
    said = cseval("run", "small-evaluation", "--draws", "99")
    assert said.code == 0, said.err
    folder = project / "outputs" / "demonstration" / "small-evaluation"
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert {"work", "opinions"} <= {x.split(":")[0] for x in manifest["left_out"]}
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "## What was done\n\n40 patrols were counted." in report
    assert "Nobody checked the returns." in report
    assert report.count("![Forty patrols") == 1
    assert (folder / "work_done.csv").is_file()
    assert "The data are simulated for demonstration" in report.split("## What was done")[1]
    places = json.loads((folder / "places.json").read_bytes())
    assert places["values"]["work"]["headline"] == "40 patrols were counted. (simulated)"
    assert "work-done" in places["tables"]
