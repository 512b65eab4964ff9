"""Which column of a table is which: the canonical names and how the field spells them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bayes_scaling.errors import InputError, unknown_name
from bayes_scaling.runs.problems import Problem

__all__ = ["CANONICAL", "LABELS", "NUMERIC", "REQUIRED", "LossUnit", "Matching", "match_columns"]

LossUnit = Literal["nats", "bits", "perplexity"]

REQUIRED = ("params", "tokens", "flops", "loss")
NUMERIC = (
    *REQUIRED, "loss_se", "step", "progress", "params_non_embedding", "unique_tokens",
    "batch_tokens", "flops_min", "width", "depth", "pretrained",
)  # fmt: skip
LABELS = ("architecture", "dataset", "run", "seed", "suspect")
CANONICAL = (*NUMERIC, *LABELS)

# Compared without case, spaces and punctuation: "Model Size" and model_size are one spelling.
_SPELLINGS: Mapping[str, str] = {
    "params": """n param nparam nparams numparam numparams paramcount paramscount parameter
        parameters nparameters numparameters numberofparameters parametercount modelsize size
        modelparams modelparameters totalparams totalparameters trainableparams
        trainableparameters paramstotal nparamstotal""",
    "tokens": """d ntokens numtokens numberoftokens traintokens trainingtokens tokensseen
        totaltokens tokencount numtraintokens ntraintokens numtrainingtokens trainedtokens
        consumedtokens tokensconsumed tokenstrained tokensprocessed datasetsizetokens
        trainingdatasetsizetokens tokenstotal seentokens pretrainingtokens""",
    "flops": """c flop compute trainflop trainflops trainingflop trainingflops totalflop
        totalflops trainingcompute traincompute totalcompute computeflop computeflops
        trainingcomputeflop trainingcomputeflops pretrainingflops""",
    "loss": """l valloss validationloss evalloss testloss finalloss trainloss trainingloss lmloss
        finalvalloss finalvalidationloss finalevalloss finaltestloss finaltrainloss
        crossentropy crossentropyloss ce celoss xent nll valnll testnll evalnll pretrainloss
        heldoutloss bestvalloss losstrain lossval losseval losstest valcrossentropy""",
    "loss_se": """lossstderr lossstandarderror losssem vallossse vallossstderr evallossse
        evallossstderr stderrloss seloss""",
    "step": """steps globalstep globalsteps iteration iterations iter iters trainstep trainsteps
        trainingstep trainingsteps numsteps nsteps""",
    "progress": "frac fraction trainfrac trainfraction trainingfraction fractionoftraining",
    "params_non_embedding": """paramsnonembed paramsnonemb nonembeddingparams nonembedparams
        nonembparams paramsnoembed nnonembedding nonembeddingparameters nparamsnonembedding
        numparamsnonembedding nparamsnonembed paramsnonembedded""",
    "unique_tokens": "nuniquetokens numuniquetokens tokensunique uniquetraintokens",
    "batch_tokens": """batchsizetokens tokensperbatch tokensperstep tokensperupdate
        batchsizeintokens ntokensperbatch""",
    "flops_min": "cmin minimumflops minflops",
    "width": "dmodel modeldim hiddensize hiddendim embeddingdim nembd modelwidth",
    "depth": "nlayer nlayers numlayers numhiddenlayers layers modeldepth",
    "pretrained": "ispretrained finetuned isfinetuned frompretrained",
    "architecture": "arch architectures family modelfamily modelarch modelarchitecture modeltype",
    "dataset": """data corpus datasetname traindataset trainingdataset trainingdata traindata
        pretrainingdata pretrainingdataset trainset trainingset datamix""",
    "run": "runid runname",
    "seed": "randomseed rngseed",
    "suspect": "issuspect suspicious",
}
_UNIT_WORDS: Mapping[str, LossUnit] = {
    "ppl": "perplexity",
    "perplexity": "perplexity",
    "bpb": "bits",
    "bpc": "bits",
    "bpt": "bits",
    "bpw": "bits",
}
_TRACKER_PREFIX = re.compile(r"^(config|summary)[./]")


@dataclass(frozen=True)
class Matching:
    """Which column plays which part.

    Attributes
    ----------
    columns
        Canonical name -> position of the column.
    problems
        Ambiguous, missing, duplicate and unknown columns.
    """

    columns: dict[str, int]
    problems: list[Problem] = field(default_factory=list)


def normalise(column: str) -> str:
    """Spelling without tracker prefix, case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", _TRACKER_PREFIX.sub("", column.strip()).casefold())


def unit_named(column: str) -> LossUnit | None:
    """Loss unit that a column name says, if it says one."""
    words = re.split(r"[\W_]+", column.casefold())
    for word in words:
        if word in _UNIT_WORDS:
            return _UNIT_WORDS[word]
    together = "".join(words)
    if "perplexity" in together:
        return "perplexity"
    # "bits" alone may well be the precision of the weights.
    return "bits" if "bitsper" in together or {"bits", "loss"} <= set(words) else None


def match_columns(
    names: Sequence[str], renames: Mapping[str, str], loss_unit: LossUnit, label: str
) -> Matching:
    """Find the canonical columns among `names`.

    Parameters
    ----------
    names
        The columns of a table, in order.
    renames
        Canonical name -> the user's column; goes before every spelling.
    loss_unit
        Unit of the losses: a column that names another one is not the loss if there is a choice.
    label
        What messages call the table.

    Returns
    -------
    Matching
        With problems for duplicate, ambiguous, unknown and missing columns.

    Raises
    ------
    InputError
        If `renames` gives a column to a name that is not canonical.
    """
    unknown = [name for name in renames if name not in CANONICAL]
    if unknown:
        raise InputError("; ".join(unknown_name("column", name, CANONICAL) for name in unknown))
    matching = Matching({}, _duplicates(names, label))
    for canonical in CANONICAL:
        if canonical in renames:
            _take_renamed(matching, canonical, renames[canonical], names, label)
            continue
        free = [i for i, name in enumerate(names) if name not in renames.values()]
        _take_spelled(matching, canonical, free, names, loss_unit, label)
    matching.problems.extend(_missing(matching, names, label))
    return matching


def _duplicates(names: Sequence[str], label: str) -> list[Problem]:
    seen = dict.fromkeys(name for name in names if names.count(name) > 1)
    return [
        Problem(
            code="duplicate-column",
            severity="error",
            message=f"{label}: {names.count(name)} columns are named {name!r}; expected each name "
            "once. Rename or delete all but one.",
            column=name,
            found=f"{names.count(name)} times",
            expected="once",
        )
        for name in seen
    ]


def _take_renamed(
    matching: Matching, canonical: str, wanted: str, names: Sequence[str], label: str
) -> None:
    if wanted in names:
        matching.columns[canonical] = names.index(wanted)
        return
    close = difflib.get_close_matches(wanted, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    matching.problems.append(
        Problem(
            code="unknown-column",
            severity="error",
            message=f"{label}: {canonical}={wanted!r} was given, but there is no such column; "
            f"found {_listed(names)}.{hint}",
            column=wanted,
            found=_listed(names),
            expected=repr(wanted),
        )
    )


def _tiers(
    canonical: str, free: Sequence[int], names: Sequence[str], loss_unit: LossUnit
) -> list[list[int]]:
    """Candidate columns, the best tier first."""
    spellings = _SPELLINGS.get(canonical, "").split()
    exact = [i for i in free if names[i] == canonical]
    bare = canonical.replace("_", "")
    spelled = [i for i in free if normalise(names[i]) in (bare, *spellings)]
    if canonical != "loss":
        return [exact, spelled]
    spelled = [i for i in spelled if unit_named(names[i]) is None]
    right = [i for i in free if unit_named(names[i]) == loss_unit]
    other = [i for i in free if unit_named(names[i]) not in (None, loss_unit)]
    return [right, exact, spelled, other]


def _take_spelled(
    matching: Matching,
    canonical: str,
    free: Sequence[int],
    names: Sequence[str],
    loss_unit: LossUnit,
    label: str,
) -> None:
    best = next(filter(None, _tiers(canonical, free, names, loss_unit)), [])
    candidates = list(dict.fromkeys(names[i] for i in best))
    if len(candidates) == 1:
        matching.columns[canonical] = best[0]
    elif candidates:
        needed = canonical in REQUIRED
        then = "" if needed else " None of them is used until then."
        matching.problems.append(
            Problem(
                code="ambiguous-column",
                severity="error" if needed else "warning",
                message=f"{label}: {_listed(candidates)} could each be {canonical!r}. "
                f"Say which one, as in {canonical}={candidates[0]!r}.{then}",
                found=_listed(candidates),
                expected=f"one column for {canonical}",
            )
        )


def _missing(matching: Matching, names: Sequence[str], label: str) -> list[Problem]:
    reported = " ".join(f"{p.expected}{p.message}" for p in matching.problems)
    lacking = [
        (name, wanted)
        for name, wanted in (("params", ("params",)), ("tokens", ("tokens", "flops")),
                             ("loss", ("loss",)))
        if not any(w in matching.columns or f"{w}=" in reported for w in wanted)
    ]  # fmt: skip
    return [_missing_one(name, wanted, names, label) for name, wanted in lacking]


def _missing_one(name: str, wanted: tuple[str, ...], names: Sequence[str], label: str) -> Problem:
    needed = " or ".join(map(repr, wanted))
    close = _closest(wanted, names)
    hint = f" The closest is {close!r}: if that is it, pass {name}={close!r}." if close else ""
    return Problem(
        code="missing-column",
        severity="error",
        message=f"{label}: no column for {needed}; found {_listed(names)}.{hint} "
        "Common spellings such as N, D, C, model_size, train_tokens, val_loss are understood; "
        f"for any other pass {name}='your column', as --rename {name}=... on the command line.",
        column=name,
        found=_listed(names),
        expected=f"a column for {needed}",
    )


def _closest(wanted: tuple[str, ...], names: Sequence[str]) -> str | None:
    spellings = [s for w in wanted for s in (w, *_SPELLINGS[w].split()) if len(s) > 2]
    scores = {name: max(_likeness(normalise(name), s) for s in spellings) for name in names}
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best is not None and scores[best] >= 0.7 else None


def _likeness(name: str, spelling: str) -> float:
    ratio = difflib.SequenceMatcher(None, name, spelling).ratio()
    # "params_millions" is a better guess at params than its ratio says.
    return max(ratio, 0.7) if len(spelling) > 3 and spelling in name else ratio


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
