"""Wrong uses: exit code 2, one message on standard error, no traceback, files left alone."""

import json
import re

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from bayes_scaling.cli.app import app

POINT = ["--params", "70B", "--tokens", "1.4T"]
FIT = ["fit", "{table}", "-o", "{out}"]

QUESTIONS = {
    "unknown group": (["forecast", "{pooled}", *POINT, "--group", "sparse"], "'sparse'"),
    "new group of a flat fit": (["forecast", "{plain}", *POINT, "--new-group"], "hierarchical"),
    "negative budget": (["allocate", "{plain}", "--flops", "-1e21"], "-1e21"),
    "zero budget": (["allocate", "{plain}", "--flops", "0"], "flops"),
    "absurd budget": (["allocate", "{plain}", "--flops", "1e60"], "1e60"),
    "infinite budget": (["allocate", "{plain}", "--flops", "inf"], "inf"),
    "budget in letters": (["allocate", "{plain}", "--flops", "abc"], "'abc'"),
    "budget in a list": (["allocate", "{plain}", "--flops", "1e21,x"], "'x'"),
    "no budget": (["allocate", "{plain}"], "--flops"),
    "unknown suffix": (["forecast", "{plain}", "--params", "70X", "--tokens", "1T"], "'70X'"),
    "no tokens": (["forecast", "{plain}", "--params", "70B"], "tokens"),
    "lengths differ": (
        ["forecast", "{plain}", "--params", "1B,2B,3B", "--tokens", "1T,2T"],
        "do not go with",
    ),
    "prob of 90": (["forecast", "{plain}", *POINT, "--prob", "90"], "between 0 and 1"),
    "prob of 1": (["allocate", "{plain}", "--flops", "1e21", "--prob", "1"], "between 0 and 1"),
    "prob not a number": (["summary", "{plain}", "--prob", "nan"], "between 0 and 1"),
    "prob in letters": (["summary", "{plain}", "--prob", "most"], "--prob"),
    "points and params": (["forecast", "{plain}", *POINT, "--at", "{points}"], "not both"),
    "points lack tokens": (["forecast", "{plain}", "--at", "{no_tokens}"], "tokens"),
    "text in points": (["forecast", "{plain}", "--at", "{text_points}"], "many"),
    "unknown group in points": (["forecast", "{pooled}", "--at", "{odd_points}"], "'sparse'"),
    "groups given twice": (
        ["forecast", "{pooled}", "--at", "{odd_points}", "--group", "dense"],
        "twice",
    ),
    "empty points": (["forecast", "{plain}", "--at", "{empty}"], "empty"),
    "no points": (["forecast", "{plain}", "--at", "{missing}"], "no such file"),
    "no fit": (["summary", "{missing}"], "does not exist"),
    "a folder for a fit": (["forecast", "{folder}", *POINT], "folder"),
    "text for a fit": (["summary", "{table}"], "not a saved fit"),
    "truncated fit": (["forecast", "{truncated}", *POINT], "damaged"),
    "empty fit": (["summary", "{empty}"], "not a saved fit"),
    "foreign NetCDF": (["allocate", "{foreign}", "--flops", "1e21"], "not written by"),
    "foreign HDF5": (["summary", "{foreign_groups}"], "not written by"),
    "report in no folder": (["report", "{plain}", "-o", "{nowhere}"], "cannot write"),
    "no split of compute": (
        ["allocate", "{curve}", "--flops", "1e21"],
        "does not say how to split",
    ),
    "input of another law": (["forecast", "{plain}", *POINT, "--step", "4e4"], "not on step"),
    "inputs missing": (["forecast", "{steps}", "--step", "4e4"], "give params and tokens"),
    "page with the name of a fit": (["report", "{plain}", "-o", "{folder}/page.nc"], ".html"),
    "only input missing": (["forecast", "{curve}", "--params", "1B"], "give tokens"),
    "zero steps": (["forecast", "{steps}", "--params", "1B", "--step", "0"], "step"),
    "points lack an input": (["forecast", "{curve}", "--at", "{no_tokens}"], "tokens"),
    "unknown command": (["predict", "{plain}"], "predict"),
    "unknown option": (["summary", "{plain}", "--probability", "0.9"], "--probability"),
}

FITS = {
    "no such file": (["fit", "{missing}", "-o", "{out}"], "no such file"),
    "unknown data set": (["fit", "pile-familes", "-o", "{out}"], "pile-families"),
    "no output": (["fit", "{table}"], "--output"),
    "output in no folder": (["fit", "{table}", "-o", "{nowhere}"], "cannot write"),
    "output is a folder": (["fit", "{table}", "-o", "{folder}"], "folder"),
    "fit with the name of a page": (["fit", "{table}", "-o", "{folder}/fit.html"], "fit.nc"),
    "output to a pipe": (["fit", "{table}", "-o", "-"], "give a file a name"),
    "output under a file": (["fit", "{table}", "-o", "{table}/fit.nc"], "cannot write"),
    "bad expression": ([*FIT, "--where", "params >"], "the condition"),
    "expression of nothing": ([*FIT, "--where", "params > 1e20"], "none"),
    "unknown column in expression": ([*FIT, "--where", "sise > 1"], "sise"),
    "unknown column of groups": ([*FIT, "--by", "family"], "'family'"),
    "three columns of groups": ([*FIT, "--by", "a", "--by", "b", "--by", "c"], "one column"),
    "rename without sign": ([*FIT, "--rename", "params"], "CANONICAL=THEIRS"),
    "rename twice": ([*FIT, "--rename", "params=a", "--rename", "params=b"], "twice"),
    "rename of a setting": ([*FIT, "--rename", "source=a"], "source"),
    "rename to nothing": ([*FIT, "--rename", "params=absent"], "absent"),
    "unknown unit": ([*FIT, "--loss-unit", "bytes"], "bytes"),
    "unknown sampler": ([*FIT, "--sampler", "gibbs"], "gibbs"),
    "one chain": ([*FIT, "--chains", "1"], "chains"),
    "no draws": ([*FIT, "--draws", "0"], "draws"),
    "too many draws": ([*FIT, "--draws", "1000000000"], "1000000000"),
    "negative seed": ([*FIT, "--seed", "-1"], "-1"),
    "target beyond 1": ([*FIT, "--target-accept", "1.5"], "1.5"),
    "unknown model": ([*FIT, "--model", "kaplan-ish"], "kaplan-ish"),
    "card with an unknown key": ([*FIT, "--model", "{unknown_key}"], "colour"),
    "card with a negative scale": ([*FIT, "--model", "{negative_scale}"], "priors.E"),
    "card without a prior": ([*FIT, "--model", "{missing_prior}"], "missing beta"),
    "card that is not TOML": ([*FIT, "--model", "{bad_toml}"], "TOML"),
    "unknown counting": ([*FIT, "--counting", "most"], "non-embedding"),
    "unknown counting of compute": ([*FIT, "--counting-flops", "most"], "6ND-non-embedding"),
    "compute that is 6ND": ([*FIT, "--counting-flops", "kaplan"], "is 6ND"),
    "unknown conversion": ([*FIT, "--count-params", "active"], "total or non-embedding"),
    "conversion of who knows what": ([*FIT, "--count-params", "total"], "'as given'"),
    "omega without conversion": ([*FIT, "--omega", "5e4"], "--count-params"),
    "negative omega": (
        [*FIT, "--counting", "total", "--count-params", "non-embedding", "--omega", "-1"],
        "omega",
    ),
    "variable of a law of two": ([*FIT, "--x", "tokens"], "only laws of one variable"),
    "unknown variable": ([*FIT, "--model", "saturating", "--x", "colour"], "colour"),
    "inputs not in the table": ([*FIT, "--model", "kaplan-ns"], "batch_tokens"),
    "table lacks loss": (["fit", "{no_loss}", "-o", "{out}"], "loss"),
    "text in the table": (["fit", "{text_runs}", "-o", "{out}"], "many"),
}

TABLE = ["compare", "{table}", "-o", "{page}", "--models"]
FITS_OF_ONE_TABLE = ["compare", "{plain}", "{other}", "-o", "{page}"]
STUDY = ["kaplan-or-chinchilla", "{table}", "-o", "{page}"]

COMPARISONS = {
    "one model": ([*TABLE, "chinchilla"], "two different model cards or more, not chinchilla"),
    "a card twice": ([*TABLE, "coupled,coupled"], "two different model cards"),
    "no model": ([*TABLE, ","], "two different model cards or more, not none"),
    "unknown model of several": ([*TABLE, "chinchilla,kaplan-ish"], "kaplan-ish"),
    "law lacks its inputs": ([*TABLE, "chinchilla,kaplan-ns"], "batch_tokens"),
    "groups of one card only": ([*TABLE, "chinchilla-hierarchical,coupled"], "--by"),
    "hold out nothing": ([*TABLE, "chinchilla,coupled", "--hold-out", "0"], "between 0 and 1"),
    "hold out all": ([*TABLE, "chinchilla,coupled", "--hold-out", "1"], "between 0 and 1"),
    "hold out too many": ([*TABLE, "chinchilla,coupled", "--hold-out", "0.95"], "Hold out fewer"),
    "hold out and not": (
        [*TABLE, "chinchilla,coupled", "--hold-out", "0.2", "--no-hold-out"],
        "not both",
    ),
    "group nobody has": ([*TABLE, "chinchilla,coupled", "--group", "sparse"], "'sparse'"),
    "prob of a comparison": ([*TABLE, "chinchilla,coupled", "--prob", "90"], "between 0 and 1"),
    "factor of 1": ([*TABLE, "chinchilla,coupled", "--factor", "1"], "above 1"),
    "budget of a comparison": ([*TABLE, "chinchilla,coupled", "--flops", "much"], "much"),
    "one chain of many": ([*TABLE, "chinchilla,coupled", "--chains", "1"], "chains"),
    "two tables": (["compare", "{table}", "{points}"], "are no saved fit"),
    "no table": (["compare", "{missing}"], "no such file"),
    "one fit": (["compare", "{plain}"], "one saved fit"),
    "a fit twice": (["compare", "{plain}", "{plain}"], "given twice"),
    "a fit and a table": (["compare", "{plain}", "{table}", "-o", "{page}"], "no saved fit"),
    "a fit that is not there": (["compare", "{plain}", "{absent}"], "does not exist"),
    "different runs": (["compare", "{plain}", "{pooled}", "-o", "{page}"], "different runs"),
    "different counting": (["compare", "{plain}", "{recounted}", "-o", "{page}"], "count_params"),
    "models of saved fits": ([*FITS_OF_ONE_TABLE, "--models", "coupled"], "--models"),
    "rows of saved fits": ([*FITS_OF_ONE_TABLE, "--where", "params > 1e8"], "--where"),
    "too much of saved fits": ([*FITS_OF_ONE_TABLE, "--hold-out", "0.9"], "Hold out fewer"),
    "group of saved fits": ([*FITS_OF_ONE_TABLE, "--group", "sparse"], "'sparse'"),
    "comparison in no folder": (["compare", "{plain}", "{other}", "-o", "{nowhere}"], "cannot"),
    "comparison over a fit": (["compare", "{plain}", "{other}", "-o", "{plain}"], "is read"),
    "study of few runs": ([*STUDY, "--where", "params < 2e8"], "too few for this study"),
    "study of nothing": (["kaplan-or-chinchilla", "{missing}"], "no such file"),
    "study of a fit": (["kaplan-or-chinchilla", "{plain}"], "plain.nc"),
    "prob of a study": ([*STUDY, "--prob", "0"], "between 0 and 1"),
}

OTHERS = {
    "unknown set": (["data", "show", "piles"], "piles"),
    "fetch of an unknown set": (["data", "fetch", "piles"], "piles"),
    "fetch to no folder": (["data", "fetch", "pile-families", "-o", "{nowhere}"], "cannot write"),
    "unknown card": (["models", "show", "kaplan-ish"], "kaplan-ish"),
    "check of a bad card": (["models", "check", "{missing_prior}"], "missing beta"),
    "graph of a bad card": (["models", "graph", "{unknown_key}"], "colour"),
    "demo under a file": (["demo", "-o", "{table}"], "runs.csv"),
}


@pytest.fixture(scope="module")
def paths(plain, pooled, other, recounted, steps, curve, table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    written = {
        "points": "params,tokens\n1B,20B\n",
        "no_tokens": "params\n1B\n",
        "text_points": "params,tokens\n1B,many\n",
        "odd_points": "architecture,params,tokens\nsparse,1B,20B\n",
        "no_loss": "params,tokens\n1B,20B\n",
        "text_runs": table.read_text().replace("50000000.0", "many"),
        "empty": "",
    }
    places = {name: folder / f"{name}.csv" for name in written}
    for name, text in written.items():
        places[name].write_text(text)
    places |= _cards(folder) | _foreign(folder)
    places["truncated"] = folder / "truncated.nc"
    places["truncated"].write_bytes(plain.read_bytes()[:20_000])
    places |= {"plain": plain, "pooled": pooled, "other": other, "recounted": recounted}
    places |= {"steps": steps, "curve": curve, "table": table, "folder": folder}
    places |= {"missing": folder / "absent.csv", "nowhere": folder / "absent" / "file.nc"}
    return places | {"absent": folder / "absent.nc"}


def _cards(folder):
    shown = CliRunner().invoke(app, ["models", "show", "chinchilla", "--toml"]).stdout
    start = shown.index("[priors.beta]")
    texts = {
        "unknown_key": shown.replace("format = 1", 'format = 1\ncolour = "red"'),
        "negative_scale": re.sub(r"sigma = ", "sigma = -", shown, count=1),
        "missing_prior": shown[:start] + shown[shown.index("[noise]", start) :],
        "bad_toml": shown.replace("format = 1", "format = "),
    }
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    return {name: folder / f"{name}.toml" for name in texts}


def _foreign(folder):
    foreign, groups = folder / "foreign.nc", folder / "groups.nc"
    xr.Dataset({"temperature": ("day", np.arange(3.0))}).to_netcdf(foreign, engine="netcdf4")
    theta = xr.Dataset({"theta": ("draw", np.arange(3.0))})
    xr.DataTree.from_dict({"posterior": theta}).to_netcdf(groups, engine="netcdf4")
    return {"foreign": foreign, "foreign_groups": groups}


def is_one_message(result, text):
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2, result.output
    assert text in result.stderr
    assert "Traceback" not in result.output
    assert result.stderr.count("rror: ") >= 1
    return True


def place(arguments, paths, folder):
    """A command that may write over the files of before."""
    made = {**paths, "out": folder / OLD[0], "page": folder / OLD[1]}
    return [argument.format(**made) for argument in arguments]


OLD = ("old.nc", "old.html")
"""A fit and a page that were there before."""


CASES = {**QUESTIONS, **FITS, **COMPARISONS, **OTHERS}


@pytest.mark.parametrize("name", CASES)
def test_wrong_use(name, paths, tmp_path, monkeypatch):
    def no_sampling(*arguments, **settings):
        raise AssertionError("the sampler was started")

    monkeypatch.setattr("bayes_scaling.inference.sample.SAMPLERS", {"nutpie": no_sampling})
    old = [tmp_path / file for file in OLD]
    for path in old:
        path.write_bytes(b"as it was")
    arguments, text = CASES[name]
    result = CliRunner().invoke(app, place(arguments, paths, tmp_path), prog_name="bayes-scaling")
    assert is_one_message(result, text)
    assert result.stdout == ""
    assert [path.read_bytes() for path in old] == [b"as it was"] * 2
    assert set(tmp_path.iterdir()) == set(old)


@pytest.mark.parametrize("name", ["unknown group", "truncated fit", "bad expression"])
def test_errors_as_json(name, paths, tmp_path):
    arguments = place(CASES[name][0], paths, tmp_path)
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert is_one_message(result, CASES[name][1])
    given = json.loads(result.stdout)
    assert given["problems"] == []
    assert CASES[name][1] in given["error"]


def test_problems_of_a_table_as_json(paths, tmp_path):
    arguments = place(CASES["text in the table"][0], paths, tmp_path)
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert is_one_message(result, "many")
    [problem, *_] = json.loads(result.stdout)["problems"]
    assert problem["severity"] == "error"
    assert problem["column"] == "params"
    assert problem["rows"]
