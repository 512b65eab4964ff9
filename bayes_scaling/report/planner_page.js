// What a moved control does to the page: the body of a Bokeh callback, run after planner.js.
//
// Given by report/planner_widgets.py: controls (Bokeh widgets by name; absent ones are null), draws
// (a data source a group), edges (where the drift of each group begins; null: there is none), names
// of the groups, prob, runs (the largest compute, and the least size and tokens), and the data
// sources valley, marks, growth and now.
const BUDGETS = 25, SIZES = 61; // points of the two curves
const COARSE = 1e-3; // of log size: nobody sees more on a curve over decades
const PAUSE = 150; // milliseconds without another move, before the slow curve is computed
const AROUND = Math.log(10); // how far the valley is shown to both sides of the plan

function asked() {
  const value = (name, otherwise) => controls[name] ? controls[name].value : otherwise;
  const at = Math.max(names.indexOf(value("group", names[0])), 0);
  const drift = edges[at] !== null && value("drift", "drift") === "drift";
  return {
    law: {...draws[at].data, edge: Infinity},
    draws: {...draws[at].data, edge: drift ? edges[at] : Infinity},
    budget: {flops: 10 ** value("budget"), inference: planner.inferenceTokens(value("inference"))},
    risk: {kind: value("risk"), level: value("level") / 100},
    hardware: {
      peak: 1e12 * value("peak"),
      utilisation: value("utilisation") / 100,
      devices: value("devices"),
    },
    price: value("price"),
    key: JSON.stringify([at, drift, ...["inference", "risk", "level"].map((name) => value(name))]),
    drift,
  };
}

const smallest = () => ({params: runs.data.params[0], tokens: runs.data.tokens[0]});
const write = (id, text) => { document.getElementById(`planner-${id}`).textContent = text; };
const size = planner.formatQuantity;
const range = ({lower, upper}, form) => `${form(lower)} to ${form(upper)}`;
const nats = (value) => value.toFixed(3);
const few = (value) => value < 1e5 ? Number(value.toPrecision(3)).toString() : size(value);

function showNumbers(question, plan) {
  const alone = planner.summary(
    planner.losses(question.law, Math.log(plan.params), Math.log(plan.tokens)), prob);
  write("params", size(plan.params));
  write("params-range", range(plan.optimum.params, size));
  write("tokens", size(plan.tokens));
  write("tokens-range", range(plan.optimum.tokens, size));
  write("ratio", few(plan.tokens / plan.params));
  write("ratio-range", range(plan.optimum.ratio, few));
  write("loss", nats(plan.loss.median));
  write("loss-range", range(plan.loss, nats));
  write("alone", nats(alone.median));
  write("alone-range", range(alone, nats));
  write("regret", plan.regret.mean.toFixed(4));
  write("regret-range", range(plan.regret, (value) => value.toFixed(4)));
  const times = few(question.budget.flops / runs.data.flops[0]);
  write("beyond", `${times} times the largest run's compute`);
  write("training", `${size(plan.flops.training)} FLOPs`);
  write("inference", plan.flops.inference > 0 ? `${size(plan.flops.inference)} FLOPs` : "none");
}

// One sentence that a screen reader speaks when it changes, and what to be wary of.
function say({budget}, plan) {
  const wary = plan.params < smallest().params ? " It is smaller than any model of the runs." : "";
  write("sentence", `${size(budget.flops)} FLOPs: ${size(plan.params)} parameters on ` +
    `${size(plan.tokens)} tokens, loss ${nats(plan.loss.median)} ` +
    `(${range(plan.loss, nats)}).${wary}`);
}

// Inference may leave no model that the runs say anything about.
function nothingLeft({budget}) {
  for (const cell of document.querySelectorAll(".answer [id^=planner-]")) cell.textContent = "–";
  write("sentence", `No plan: inference of ${size(budget.inference)} tokens leaves nothing of ` +
    `${size(budget.flops)} FLOPs to train even a thousandth of the smallest run. ` +
    "Raise the budget, or lower the tokens of inference.");
  for (const source of [valley, marks, now]) {
    source.data = Object.fromEntries(Object.keys(source.data).map((key) => [key, []]));
  }
}

function showCosts({hardware, price}, {flops}) {
  const known = hardware.peak > 0 && hardware.utilisation > 0 && hardware.devices >= 1;
  if (!known) {
    write("days", "give peak and devices");
    write("hours", "give peak and devices");
    write("money", "give peak and devices");
    return;
  }
  const training = planner.work(flops.training, hardware);
  const all = planner.work(flops.training + flops.inference, hardware);
  write("days", `${few(training.days)} days`);
  write("hours", size(all.hours));
  write("money", price > 0 ? size(all.hours * price) : "give a price above 0");
}

function showValley({draws, law, budget}, plan) {
  const middle = Math.log(plan.params);
  const fewest = plan.tokens * Math.exp(-AROUND); // larger sizes leave hardly any tokens
  const top = Math.min(middle + AROUND, planner.logSize(fewest, budget));
  const data = {params: [], lower: [], median: [], upper: [], law_lower: [], law_upper: []};
  for (let k = 0; k < SIZES; k++) {
    const x = middle - AROUND + (top - middle + AROUND) * k / (SIZES - 1);
    const [band, alone] = [draws, law].map(
      (each) => planner.summary(planner.losses(each, x, planner.logTokens(x, budget)), prob));
    data.params.push(Math.exp(x));
    for (const key of ["lower", "median", "upper"]) data[key].push(band[key]);
    for (const key of ["lower", "upper"]) data[`law_${key}`].push(alone[key]);
  }
  valley.data = data;
  marks.data = {params: [plan.params], loss: [plan.loss.median]};
}

// N and D of every budget do not move with the budget that is asked about: kept until they change.
function showGrowth(question) {
  if (growth.tags[0] === question.key) return;
  const {start, end} = controls.budget;
  const data = Object.fromEntries(Object.keys(growth.data).map((key) => [key, []]));
  for (let k = 0; k < BUDGETS; k++) {
    const flops = 10 ** (start + (end - start) * k / (BUDGETS - 1));
    const budget = {...question.budget, flops};
    if (!planner.feasible(budget, smallest())) continue;
    const each = planner.plan(question.draws, budget, question.risk, prob, COARSE);
    const {params, tokens} = each.optimum;
    const row = {
      flops, params: each.params, tokens: each.tokens, params_lower: params.lower,
      params_upper: params.upper, tokens_lower: tokens.lower, tokens_upper: tokens.upper,
    };
    for (const [key, value] of Object.entries(row)) data[key].push(value);
  }
  growth.data = data;
  growth.tags = [question.key];
}

// Bokeh's sliders have no name for a screen reader, and tell it the bare number of the handle.
function handleIn(root) {
  const found = root.querySelector(".noUi-handle");
  if (found) return found;
  const inner = [...root.querySelectorAll("*")].map((each) => each.shadowRoot).filter(Boolean);
  return inner.reduce((handle, shadow) => handle ?? handleIn(shadow), null);
}

function tellSliders() {
  for (const [name, control] of Object.entries(controls)) {
    const place = document.getElementById(`control-${name}`);
    const handle = place && handleIn(place);
    if (!handle) continue;
    handle.setAttribute("aria-label", control.title);
    handle.setAttribute("aria-valuetext", handle.textContent); // what its tooltip shows
  }
}

function show() {
  const question = asked();
  tellSliders();
  controls.level.disabled = question.risk.kind === "mean";
  if (!planner.feasible(question.budget, smallest())) return nothingLeft(question);
  const plan = planner.plan(question.draws, question.budget, question.risk, prob);
  say(question, plan);
  showNumbers(question, plan);
  showCosts(question, plan);
  showValley(question, plan);
  clearTimeout(planner.growing);
  planner.growing = setTimeout(showGrowth, planner.growing ? PAUSE : 0, question);
  now.data = {flops: [question.budget.flops], params: [plan.params], tokens: [plan.tokens]};
}

// A dragged handle asks more often than a screen is drawn.
if (!planner.waiting) {
  planner.waiting = true;
  requestAnimationFrame(() => {
    planner.waiting = false;
    show();
  });
}
