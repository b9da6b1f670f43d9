//! The backward sweep: a quadratic model of the cost to go, stage by stage, and the policy that minimises it.

use cotangent_problem::StageDerivatives;

use super::box_qp::{BoxMinimum, BoxProblem};

/// `du_k = length k_k + K_k dx_k`.
pub(super) struct Policy {
    /// Where each stage's controls begin among all, and where they end.
    starts: Vec<usize>,
    /// `k` of all controls, and their rows of `K`.
    steps: Vec<f64>,
    gains: Vec<f64>,
    /// `-sum k^T Q_u` and `-sum k^T Q_uu k / 2`.
    decrease: [f64; 2],
}

impl Policy {
    /// No policy yet of these controls, for states of `nd` directions.
    fn empty(controls: &[Vec<f64>], nd: usize) -> Self {
        let mut starts = Vec::with_capacity(controls.len() + 1);
        starts.push(0);
        let mut end = 0;
        starts.extend(controls.iter().map(|u| {
            end += u.len();
            end
        }));
        Self { starts, steps: vec![0.0; end], gains: vec![0.0; end * nd], decrease: [0.0; 2] }
    }

    /// The decrease that the model expects of a step of this length.
    pub(super) fn expected(&self, length: f64) -> f64 {
        length * (self.decrease[0] + length * self.decrease[1])
    }

    /// How fast the cost falls at first.
    pub(super) fn slope(&self) -> f64 {
        self.decrease[0]
    }

    /// The control of stage `k` where the state is displaced, into `next`.
    pub(super) fn control(
        &self,
        k: usize,
        (u, length): (&[f64], f64),
        displaced: &[f64],
        next: &mut [f64],
    ) {
        let (start, nd) = (self.starts[k], displaced.len());
        for (i, (next, u)) in next.iter_mut().zip(u).enumerate() {
            let gains = &self.gains[(start + i) * nd..][..nd];
            let feedback: f64 = gains.iter().zip(displaced).map(|(g, d)| g * d).sum();
            *next = u + length * self.steps[start + i] + feedback;
        }
    }
}

/// `L^T R` of matrices with `rows` rows each, row-major.
fn transposed_product(left: &[f64], right: &[f64], rows: usize, product: &mut Vec<f64>) {
    let (a, b) = (left.len() / rows.max(1), right.len() / rows.max(1));
    product.clear();
    product.resize(a * b, 0.0);
    for r in 0..rows {
        let right = &right[r * b..][..b];
        for (l, to) in left[r * a..][..a].iter().zip(product.chunks_exact_mut(b.max(1))) {
            if *l != 0.0 {
                to.iter_mut().zip(right).for_each(|(to, r)| *to += l * r);
            }
        }
    }
}

fn add(to: &mut [f64], other: &[f64]) {
    to.iter_mut().zip(other).for_each(|(a, b)| *a += b);
}

fn copy(from: &[f64], to: &mut Vec<f64>) {
    to.clear();
    to.extend_from_slice(from);
}

/// The cost to go from a stage, `Q`, as a quadratic of displacements of its state and control; reused memory.
#[derive(Default)]
struct Quadratic {
    x: Vec<f64>,
    u: Vec<f64>,
    xx: Vec<f64>,
    ux: Vec<f64>,
    uu: Vec<f64>,
    /// `V_xx A`, `V_xx B`, and a product that is added.
    by_state: Vec<f64>,
    by_control: Vec<f64>,
    product: Vec<f64>,
}

impl Quadratic {
    /// That of the stage's own cost, and of the cost to go from the next state.
    fn set(&mut self, stage: &StageDerivatives, v_x: &[f64], v_xx: &[f64]) {
        let nd = v_x.len();
        // V_xx is symmetric, so `V_xx^T A` is what is wanted
        transposed_product(v_xx, &stage.a, nd, &mut self.by_state);
        transposed_product(v_xx, &stage.b, nd, &mut self.by_control);
        let (by_state, by_control) = (&self.by_state, &self.by_control);
        for (own, left, right, sum) in [
            (&stage.cost_x, &stage.a, v_x, &mut self.x),
            (&stage.cost_u, &stage.b, v_x, &mut self.u),
            (&stage.cost_xx, &stage.a, by_state, &mut self.xx),
            (&stage.cost_ux, &stage.b, by_state, &mut self.ux),
            (&stage.cost_uu, &stage.b, by_control, &mut self.uu),
        ] {
            copy(own, sum);
            transposed_product(left, right, nd, &mut self.product);
            add(sum, &self.product);
        }
    }

    /// The cost to go under the step and the gain of a stage, `curved` being `Q_uu k`:
    /// `V_x = Q_x + K^T (Q_uu k + Q_u) + Q_ux^T k`, `V_xx = Q_xx + K^T Q_uu K + K^T Q_ux + Q_ux^T K`.
    fn under(
        &mut self,
        (step, gain, curved): (&[f64], &[f64], &[f64]),
        (v_x, v_xx): (&mut Vec<f64>, &mut Vec<f64>),
    ) {
        let (nd, nu) = (self.x.len(), step.len());
        let Self { x, u, xx, ux, uu, by_state: push, by_control: bent, product } = self;
        push.clear();
        push.extend(curved.iter().zip(&*u).map(|(c, q)| c + q));
        transposed_product(uu, gain, nu, bent);
        add(bent, ux);
        copy(x, v_x);
        copy(xx, v_xx);
        let mut add_product = |left: &[f64], right: &[f64], sum: &mut [f64]| {
            transposed_product(left, right, nu, product);
            add(sum, product);
        };
        add_product(gain, push, v_x);
        add_product(ux, step, v_x);
        add_product(gain, bent, v_xx);
        add_product(ux, gain, v_xx);
        for i in 0..nd {
            for j in 0..i {
                let mean = 0.5 * (v_xx[i * nd + j] + v_xx[j * nd + i]);
                (v_xx[i * nd + j], v_xx[j * nd + i]) = (mean, mean);
            }
        }
    }
}

/// The policy, with `regularisation` times its largest diagonal entry added to the Hessian of each control; `None` where one is
/// not positive.
pub(super) fn backward(
    stages: &[StageDerivatives],
    limits: &[[Vec<f64>; 2]],
    controls: &[Vec<f64>],
    regularisation: f64,
) -> Option<Policy> {
    let n = controls.len();
    let last = &stages[n];
    let nd = last.cost_x.len();
    let (mut v_x, mut v_xx) = (last.cost_x.clone(), last.cost_xx.clone());
    let mut policy = Policy::empty(controls, nd);
    let (mut q, mut regular, mut curved) = (Quadratic::default(), Vec::new(), Vec::new());
    // the search of a stage begins where that of the next one ended
    let (mut minimum, mut room) = (BoxMinimum::default(), [Vec::new(), Vec::new()]);
    for k in (0..n).rev() {
        let (start, nu) = (policy.starts[k], controls[k].len());
        q.set(&stages[k], &v_x, &v_xx);
        let largest = (0..nu).map(|i| q.uu[i * nu + i].abs()).fold(f64::MIN_POSITIVE, f64::max);
        copy(&q.uu, &mut regular);
        (0..nu).for_each(|i| regular[i * nu + i] += regularisation * largest);
        for (room, limits) in room.iter_mut().zip(&limits[k]) {
            room.clear();
            room.extend(limits.iter().zip(&controls[k]).map(|(l, u)| l - u));
        }
        let bounds = [room[0].as_slice(), room[1].as_slice()];
        if !minimum.find(&BoxProblem { h: &regular, g: &q.u, bounds }) {
            return None;
        }
        let step = minimum.x.as_slice();
        let gain = &mut policy.gains[start * nd..][..nu * nd];
        minimum.gain(&q.ux, nd, gain);
        curved.clear();
        curved.extend((0..nu).map(|i| (0..nu).map(|j| q.uu[i * nu + j] * step[j]).sum::<f64>()));
        policy.decrease[0] -= step.iter().zip(&q.u).map(|(k, q)| k * q).sum::<f64>();
        policy.decrease[1] -= 0.5 * step.iter().zip(&curved).map(|(k, q)| k * q).sum::<f64>();
        q.under((step, gain, &curved), (&mut v_x, &mut v_xx));
        policy.steps[start..][..nu].copy_from_slice(step);
    }
    Some(policy)
}
