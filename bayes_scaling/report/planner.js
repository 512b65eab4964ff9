// Plans of a budget from posterior draws, as bayes_scaling computes them in Python; no page here.
//
// draws: typed arrays E, log_A, alpha, log_B, beta, gamma, drift, drift_A, drift_B, one entry a
//   draw, and edge: the log of the compute beyond which the drift counts (Infinity: the law alone).
// budget: {flops, inference, served, trainable, maxParams, maxTokens}: compute in all, and tokens of
//   inference that it also has to pay for, so that 6 N D + 2 N T = C. Served are these tokens by the
//   time they take the devices, where inference uses them worse than training does. The others are
//   limits: on FLOPs of training, size and tokens. All but flops and inference may be left out.
// risk: {kind: "mean" | "quantile" | "cvar", level}.
"use strict";

const planner = (() => {
  const LOG_6 = Math.log(6);
  const GOLDEN = (Math.sqrt(5) - 1) / 2;
  const NARROW = 1e-5; // of log size: where a search ends, unless asked to end sooner
  const DEPTH = 15; // e-folds by which inference may make the best size smaller
  const FAR_BELOW = 1e-3;
  const NO_INFERENCE = 9; // log10 of tokens: what the left end of the slider stands for
  const GRID = 16; // a quantile need not be convex: its valley is first found on a grid

  // log L = log law(N, D; A e^(u drift_A), B e^(u drift_B)) + u drift, u decades beyond the edge.
  function logLoss(draws, i, logN, logD) {
    const beyond = Math.max(LOG_6 + logN + logD - draws.edge, 0) / Math.LN10;
    const size = draws.log_A[i] + draws.drift_A[i] * beyond - draws.alpha[i] * logN;
    const data = draws.log_B[i] + draws.drift_B[i] * beyond - draws.beta[i] * logD;
    const gap = Math.abs(size - data) / draws.gamma[i];
    const reducible = Math.max(size, data) + draws.gamma[i] * Math.log1p(Math.exp(-gap));
    return Math.log(draws.E[i] + Math.exp(reducible)) + draws.drift[i] * beyond;
  }

  function losses(draws, logN, logD) {
    return Float64Array.from(draws.E, (_, i) => Math.exp(logLoss(draws, i, logN, logD)));
  }

  // Tokens that the budget and its limits leave a size; NaN where inference alone costs more.
  function logTokens(logN, budget) {
    const {flops, inference, served = inference, trainable = Infinity} = budget;
    const size = Math.exp(logN), left = Math.min(flops - 2 * size * served, trainable);
    return Math.log(Math.min(left / 6 / size, budget.maxTokens ?? Infinity));
  }

  // Size that the budget trains on so many tokens.
  function logSize(tokens, {flops, inference, served = inference, trainable = Infinity}) {
    return Math.log(Math.min(flops / (6 * tokens + 2 * served), trainable / 6 / tokens));
  }

  function largest({flops, inference, served = inference, trainable = Infinity, maxParams}) {
    const most = Math.log(Math.min(flops, trainable) / 6); // a single token
    const inferred = served > 0 ? Math.log(flops / 2 / served) - 1e-6 : Infinity;
    return Math.min(most, inferred, Math.log(maxParams ?? Infinity));
  }

  // Whether a thousandth of the smallest run can be trained: less says nothing.
  function feasible(budget, runs) {
    const {flops, inference, served = inference, trainable = Infinity} = budget;
    const size = FAR_BELOW * runs.params, training = 6 * size * FAR_BELOW * runs.tokens;
    return flops > training + 2 * size * served && trainable > training
      && (budget.maxParams ?? Infinity) > size;
  }

  // Least value of a function with one valley between two points.
  function golden(f, low, high, narrow) {
    let left = high - GOLDEN * (high - low), right = low + GOLDEN * (high - low);
    let atLeft = f(left), atRight = f(right);
    while (high - low > narrow) {
      if (atLeft <= atRight) {
        [high, right, atRight] = [right, left, atLeft];
        left = high - GOLDEN * (high - low);
        atLeft = f(left);
      } else {
        [low, left, atLeft] = [left, right, atRight];
        right = low + GOLDEN * (high - low);
        atRight = f(right);
      }
    }
    return (low + high) / 2;
  }

  function clamp(x, low, high) {
    return Math.min(Math.max(x, low), high);
  }

  // Hoffmann et al. 2022, eq. 4, of the terms to the power of 1 / gamma, drifted to the budget.
  function closedForm(draws, i, flops) {
    const beyond = Math.max(Math.log(flops) - draws.edge, 0) / Math.LN10;
    const gap = draws.log_A[i] - draws.log_B[i] + (draws.drift_A[i] - draws.drift_B[i]) * beyond;
    const alpha = draws.alpha[i], beta = draws.beta[i];
    const logG = (draws.gamma[i] * Math.log(alpha / beta) + gap) / (alpha + beta);
    return logG + beta / (alpha + beta) * Math.log(flops / 6);
  }

  // Log of the best size if draw i were the truth.
  function optimum(draws, i, budget, narrow) {
    const {flops, inference, trainable = Infinity, maxTokens = Infinity} = budget;
    const top = largest(budget), alone = clamp(closedForm(draws, i, flops), 0, top);
    const limited = trainable < flops || maxTokens < Infinity;
    if (!(inference > 0) && !limited) return alone;
    // What is paid for every parameter later, or a limit on training, only makes the best model
    // smaller; a limit on tokens makes it as large as uses the budget up. The loss is the highest of
    // several valleys then, which is a valley.
    const trained = clamp(closedForm(draws, i, Math.min(flops, trainable)), 0, top);
    const corner = maxTokens < Infinity ? logSize(maxTokens, budget) : -Infinity;
    const high = Math.min(top, Math.max(alone, corner));
    const low = Math.min(trained, high) - DEPTH;
    return golden((x) => logLoss(draws, i, x, logTokens(x, budget)), low, high, narrow);
  }

  function optima(draws, budget, narrow = NARROW) {
    return Float64Array.from(draws.E, (_, i) => optimum(draws, i, budget, narrow));
  }

  // Of sorted values, interpolated as numpy does.
  function quantile(sorted, q) {
    const at = q * (sorted.length - 1), below = Math.floor(at);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  function mean(values) {
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  }

  // Mean of the largest 1 - level of the values; the last of them counts in part.
  function worst(values, level) {
    const sorted = values.slice().sort(), n = sorted.length, wanted = (1 - level) * n;
    const whole = Math.min(Math.floor(wanted + 1e-9), n - 1);
    let total = (wanted - whole) * sorted[n - 1 - whole];
    for (let k = n - whole; k < n; k++) total += sorted[k];
    return total / wanted;
  }

  function riskOf(values, {kind, level}) {
    if (kind === "mean") return mean(values);
    return kind === "cvar" ? worst(values, level) : quantile(values.slice().sort(), level);
  }

  // The one size for all draws with the least risk. Outside of the draws' own optima every loss
  // rises, so it lies among them.
  function bestSize(draws, budget, risk, own, narrow) {
    const cost = (x) => riskOf(losses(draws, x, logTokens(x, budget)), risk);
    let low = own.reduce((a, b) => Math.min(a, b)), high = own.reduce((a, b) => Math.max(a, b));
    if (high - low < narrow) return (low + high) / 2;
    if (risk.kind === "quantile") {
      const step = (high - low) / (GRID - 1);
      let best = 0, least = Infinity;
      for (let k = 0; k < GRID; k++) {
        const value = cost(low + k * step);
        if (value < least) [best, least] = [k, value];
      }
      [low, high] = [low + Math.max(best - 1, 0) * step, low + Math.min(best + 1, GRID - 1) * step];
    }
    return golden(cost, low, high, narrow);
  }

  // Median and equal-tailed interval.
  function summary(values, prob) {
    const sorted = Float64Array.from(values).sort(), tail = (1 - prob) / 2;
    return {
      median: quantile(sorted, 0.5),
      lower: quantile(sorted, tail),
      upper: quantile(sorted, 1 - tail),
    };
  }

  // The plan of a budget, its loss, and the posterior of the optimum that it is a bet on.
  function plan(draws, budget, risk, prob, narrow = NARROW) {
    const own = optima(draws, budget, narrow);
    const logN = bestSize(draws, budget, risk, own, narrow), logD = logTokens(logN, budget);
    const loss = losses(draws, logN, logD);
    const regret = loss.map((value, i) =>
      value - Math.exp(logLoss(draws, i, own[i], logTokens(own[i], budget))));
    const ownTokens = own.map((x) => logTokens(x, budget));
    return {
      params: Math.exp(logN), tokens: Math.exp(logD),
      loss: summary(loss, prob), regret: {mean: mean(regret), ...summary(regret, prob)},
      optimum: {
        params: summary(own.map(Math.exp), prob),
        tokens: summary(ownTokens.map(Math.exp), prob),
        ratio: summary(own.map((x, i) => Math.exp(ownTokens[i] - x)), prob),
      },
      flops: {
        training: 6 * Math.exp(logN + logD),
        inference: 2 * Math.exp(logN) * budget.inference,
        // Inference as training that takes the devices as long.
        served: 2 * Math.exp(logN) * (budget.served ?? budget.inference),
      },
    };
  }

  // FLOPs of all devices in as many days as there are, and those that money buys at a price.
  function allowed({max_days: days, max_money: money}, {peak, utilisation, devices}, price) {
    const hour = peak * utilisation * 3600;
    return {trainable: days * 24 * devices * hour, bought: money / price * hour};
  }

  // A number such as "70B" or "1.4T" as typed: Infinity for an empty text, NaN if it is not one.
  function parseQuantity(text) {
    if (text.trim() === "") return Infinity;
    const found = /^\s*(\d+(?:\.\d*)?(?:e[+-]?\d+)?)\s*([kmbgtq]?)\s*$/i.exec(text);
    const units = {"": 1, k: 1e3, m: 1e6, b: 1e9, g: 1e9, t: 1e12, q: 1e15};
    return found ? Number(found[1]) * units[found[2].toLowerCase()] : NaN;
  }

  // Days and device hours of so much compute; hardware: {peak, utilisation, devices}.
  function work(flops, {peak, utilisation, devices}) {
    const hours = flops / (peak * utilisation) / 3600;
    return {hours, days: hours / devices / 24};
  }

  // "70B", "1.4T", and "5.76e23" from 1e15 on, as bayes_scaling.units.format_quantity.
  function formatQuantity(value, digits = 3) {
    if (!Number.isFinite(value) || value === 0) return String(value);
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    const power = Number(exponent);
    const short = (text) => text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
    if (power < -4 || power >= 15) return `${short(mantissa)}e${power}`;
    const step = clamp(Math.floor(power / 3), 0, 4), left = power - 3 * step;
    const scaled = Number(`${mantissa}e${left}`);
    return short(scaled.toFixed(Math.max(0, digits - 1 - left))) + ["", "k", "M", "B", "T"][step];
  }

  // The slider is logarithmic, and its left end is none at all.
  function inferenceTokens(exponent) {
    return exponent <= NO_INFERENCE ? 0 : 10 ** exponent;
  }

  return {
    allowed, feasible, formatQuantity, inferenceTokens, logSize, logTokens, losses, optima,
    parseQuantity, plan, summary, work,
  };
})();

if (typeof module !== "undefined") module.exports = planner;
