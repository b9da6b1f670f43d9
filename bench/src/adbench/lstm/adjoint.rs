//! The network's gradient by hand: what a step needs in reverse is stored, then pulled back step by step.

use super::Lstm;

/// Gates `f i o g` after their functions, the cell before, `tanh` of the cell after, hidden before, input: `b` each.
const KEPT: usize = 8;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One layer forward; `s` becomes the next state.
fn layer(b: usize, w: &[f64], s: &mut [f64], x: &[f64], kept: &mut [f64]) {
    let (hidden, cell) = s.split_at_mut(b);
    let (weight, bias) = w.split_at(4 * b);
    let [f, i, o, g, before, bent, was, read] = rows(b, kept);
    for j in 0..b {
        f[j] = sigmoid(x[j] * weight[j] + bias[j]);
        i[j] = sigmoid(hidden[j] * weight[b + j] + bias[b + j]);
        o[j] = sigmoid(x[j] * weight[2 * b + j] + bias[2 * b + j]);
        g[j] = (hidden[j] * weight[3 * b + j] + bias[3 * b + j]).tanh();
        before[j] = cell[j];
        was[j] = hidden[j];
        read[j] = x[j];
        cell[j] = cell[j] * f[j] + i[j] * g[j];
        bent[j] = cell[j].tanh();
        hidden[j] = o[j] * bent[j];
    }
}

fn rows(b: usize, kept: &mut [f64]) -> [&mut [f64]; KEPT] {
    let mut rows = kept.chunks_exact_mut(b);
    std::array::from_fn(|_| rows.next().expect("a row of each kind"))
}

/// The layer in reverse: from cotangents `h_bar`, `c_bar` of the next state to those of the state, in their places; adds
/// to those of weights; returns those of the input in `x_bar`.
fn layer_reverse(
    b: usize,
    w: &[f64],
    kept: &mut [f64],
    [h_bar, c_bar, x_bar]: [&mut [f64]; 3],
    w_bar: &mut [f64],
) {
    let [f, i, o, g, before, bent, was, read] = rows(b, kept);
    let (weight_bar, bias_bar) = w_bar.split_at_mut(4 * b);
    for j in 0..b {
        let c = c_bar[j] + h_bar[j] * o[j] * (1.0 - bent[j] * bent[j]);
        let o_bar = h_bar[j] * bent[j] * o[j] * (1.0 - o[j]);
        let f_bar = c * before[j] * f[j] * (1.0 - f[j]);
        let i_bar = c * g[j] * i[j] * (1.0 - i[j]);
        let g_bar = c * i[j] * (1.0 - g[j] * g[j]);
        c_bar[j] = c * f[j];
        x_bar[j] = f_bar * w[j] + o_bar * w[2 * b + j];
        h_bar[j] = i_bar * w[b + j] + g_bar * w[3 * b + j];
        weight_bar[j] += f_bar * read[j];
        weight_bar[b + j] += i_bar * was[j];
        weight_bar[2 * b + j] += o_bar * read[j];
        weight_bar[3 * b + j] += g_bar * was[j];
        bias_bar[j] += f_bar;
        bias_bar[b + j] += i_bar;
        bias_bar[2 * b + j] += o_bar;
        bias_bar[3 * b + j] += g_bar;
    }
}

/// One vector forward: predictions into `y`, the share of the sum.
fn forward(
    n: &Lstm,
    p: &[f64],
    k: usize,
    state: &mut [f64],
    kept: &mut [f64],
    y: &mut [f64],
) -> f64 {
    let b = n.b;
    let (main, extra) = p.split_at(8 * n.layers * b);
    let (now, next) = n.sequence[k * b..][..2 * b].split_at(b);
    let mut x = vec![0.0; b];
    (0..b).for_each(|j| x[j] = now[j] * extra[j]);
    let layers = main.chunks_exact(8 * b).zip(kept.chunks_exact_mut(KEPT * b));
    for ((w, kept), s) in layers.zip(state.chunks_exact_mut(2 * b)) {
        layer(b, w, s, &x, kept);
        x.copy_from_slice(&s[..b]);
    }
    (0..b).for_each(|j| y[j] = x[j] * extra[b + j] + extra[2 * b + j]);
    let norm = (2.0 + y.iter().map(|y| y.exp()).sum::<f64>()).ln();
    y.iter().zip(next).map(|(y, x)| x * (y - norm)).sum()
}

pub(super) fn value(n: &Lstm, p: &[f64]) -> f64 {
    let mut kept = vec![0.0; n.layers * KEPT * n.b];
    let (mut state, mut y) = (n.state.clone(), vec![0.0; n.b]);
    let steps = 0..n.vectors() - 1;
    steps.map(|k| forward(n, p, k, &mut state, &mut kept, &mut y)).sum::<f64>() * n.scale()
}

pub(super) fn adjoint(n: &Lstm, p: &[f64]) -> (f64, Vec<f64>) {
    let (b, steps) = (n.b, n.vectors() - 1);
    let size = n.layers * KEPT * b;
    let mut kept = vec![0.0; steps * size];
    let mut ys = vec![0.0; steps * b];
    let mut state = n.state.clone();
    let mut total = 0.0;
    for (k, (kept, y)) in kept.chunks_exact_mut(size).zip(ys.chunks_exact_mut(b)).enumerate() {
        total += forward(n, p, k, &mut state, kept, y);
    }
    let mut p_bar = vec![0.0; p.len()];
    let (main, extra) = p.split_at(8 * n.layers * b);
    let (main_bar, extra_bar) = p_bar.split_at_mut(8 * n.layers * b);
    let mut state_bar = vec![0.0; n.state.len()];
    let mut x_bar = vec![0.0; b];
    for k in (0..steps).rev() {
        let (kept, y) = (&mut kept[k * size..][..size], &ys[k * b..][..b]);
        let (now, next) = n.sequence[k * b..][..2 * b].split_at(b);
        let sum = 2.0 + y.iter().map(|y| y.exp()).sum::<f64>();
        let weight: f64 = next.iter().sum();
        let above = &kept[(n.layers - 1) * KEPT * b..];
        for j in 0..b {
            let y_bar = n.scale() * (next[j] - weight * y[j].exp() / sum);
            // the hidden value that was read: o tanh c'
            extra_bar[b + j] += y_bar * above[2 * b + j] * above[5 * b + j];
            extra_bar[2 * b + j] += y_bar;
            x_bar[j] = y_bar * extra[b + j];
        }
        for l in (0..n.layers).rev() {
            let (h_bar, c_bar) = state_bar[2 * b * l..][..2 * b].split_at_mut(b);
            h_bar.iter_mut().zip(&x_bar).for_each(|(h, x)| *h += x);
            let layer = 8 * b * l..8 * b * (l + 1);
            let kept = &mut kept[KEPT * b * l..][..KEPT * b];
            let bars = [h_bar, c_bar, &mut x_bar[..]];
            layer_reverse(b, &main[layer.clone()], kept, bars, &mut main_bar[layer]);
        }
        (0..b).for_each(|j| extra_bar[j] += x_bar[j] * now[j]);
    }
    (total * n.scale(), p_bar)
}
