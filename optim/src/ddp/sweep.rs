//! The backward sweep: a quadratic model of the cost to go, stage by stage, and the policy that minimises it.

use cotangent_problem::StageDerivatives;

use super::box_qp::minimise_in_box;

/// `du_k = length k_k + K_k dx_k`.
pub(super) struct Policy {
    steps: Vec<Vec<f64>>,
    gains: Vec<Vec<f64>>,
    /// `-sum k^T Q_u` and `-sum k^T Q_uu k / 2`.
    decrease: [f64; 2],
}

impl Policy {
    /// The decrease that the model expects of a step of this length.
    pub(super) fn expected(&self, length: f64) -> f64 {
        length * (self.decrease[0] + length * self.decrease[1])
    }

    /// The control of stage `k` where the state is displaced.
    pub(super) fn control(&self, k: usize, u: &[f64], length: f64, displaced: &[f64]) -> Vec<f64> {
        let nd = displaced.len();
        let entry = |i: usize| {
            let feedback: f64 =
                self.gains[k][i * nd..][..nd].iter().zip(displaced).map(|(g, d)| g * d).sum();
            u[i] + length * self.steps[k][i] + feedback
        };
        (0..u.len()).map(entry).collect()
    }
}

/// `L^T R` of matrices with `rows` rows each, row-major.
fn transposed_product(left: &[f64], right: &[f64], rows: usize) -> Vec<f64> {
    let (a, b) = (left.len() / rows.max(1), right.len() / rows.max(1));
    let mut product = vec![0.0; a * b];
    for r in 0..rows {
        for i in 0..a {
            let l = left[r * a + i];
            if l != 0.0 {
                for j in 0..b {
                    product[i * b + j] += l * right[r * b + j];
                }
            }
        }
    }
    product
}

fn add(to: &mut [f64], other: &[f64]) {
    to.iter_mut().zip(other).for_each(|(a, b)| *a += b);
}

/// The cost to go from a stage, `Q`, as a quadratic of displacements of its state and control.
struct Quadratic {
    x: Vec<f64>,
    u: Vec<f64>,
    xx: Vec<f64>,
    ux: Vec<f64>,
    uu: Vec<f64>,
}

impl Quadratic {
    /// Of the stage's own cost, and of the cost to go from the next state.
    fn of(stage: &StageDerivatives, v_x: &[f64], v_xx: &[f64]) -> Self {
        let nd = v_x.len();
        let (mut q_x, mut q_u) = (stage.cost_x.clone(), stage.cost_u.clone());
        add(&mut q_x, &transposed_product(&stage.a, v_x, nd));
        add(&mut q_u, &transposed_product(&stage.b, v_x, nd));
        // V_xx is symmetric, so `V_xx^T A` is what is wanted
        let by_state = transposed_product(v_xx, &stage.a, nd);
        let by_control = transposed_product(v_xx, &stage.b, nd);
        let (mut q_xx, mut q_ux) = (stage.cost_xx.clone(), stage.cost_ux.clone());
        let mut q_uu = stage.cost_uu.clone();
        add(&mut q_xx, &transposed_product(&stage.a, &by_state, nd));
        add(&mut q_ux, &transposed_product(&stage.b, &by_state, nd));
        add(&mut q_uu, &transposed_product(&stage.b, &by_control, nd));
        Self { x: q_x, u: q_u, xx: q_xx, ux: q_ux, uu: q_uu }
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
    let mut policy =
        Policy { steps: vec![Vec::new(); n], gains: vec![Vec::new(); n], decrease: [0.0; 2] };
    let mut guess: Vec<f64> = Vec::new();
    for k in (0..n).rev() {
        let nu = controls[k].len();
        let Quadratic { x: q_x, u: q_u, xx: q_xx, ux: q_ux, uu: q_uu } =
            Quadratic::of(&stages[k], &v_x, &v_xx);
        let largest = (0..nu).map(|i| q_uu[i * nu + i].abs()).fold(f64::MIN_POSITIVE, f64::max);
        let mut regular = q_uu.clone();
        (0..nu).for_each(|i| regular[i * nu + i] += regularisation * largest);
        let room = |side: usize| -> Vec<f64> {
            limits[k][side].iter().zip(&controls[k]).map(|(l, u)| l - u).collect()
        };
        guess.resize(nu, 0.0);
        let found = minimise_in_box(&regular, &q_u, &room(0), &room(1), &guess)?;
        let gain = found.gain(&q_ux, nd);
        let step = found.x.clone();
        let curved: Vec<f64> =
            (0..nu).map(|i| (0..nu).map(|j| q_uu[i * nu + j] * step[j]).sum()).collect();
        policy.decrease[0] -= step.iter().zip(&q_u).map(|(k, q)| k * q).sum::<f64>();
        policy.decrease[1] -= 0.5 * step.iter().zip(&curved).map(|(k, q)| k * q).sum::<f64>();
        // V_x = Q_x + K^T (Q_uu k + Q_u) + Q_ux^T k, V_xx = Q_xx + K^T Q_uu K + K^T Q_ux + Q_ux^T K
        let push: Vec<f64> = curved.iter().zip(&q_u).map(|(c, q)| c + q).collect();
        v_x = q_x;
        add(&mut v_x, &transposed_product(&gain, &push, nu));
        add(&mut v_x, &transposed_product(&q_ux, &step, nu));
        let mut bent = transposed_product(&q_uu, &gain, nu);
        add(&mut bent, &q_ux);
        v_xx = q_xx;
        add(&mut v_xx, &transposed_product(&gain, &bent, nu));
        add(&mut v_xx, &transposed_product(&q_ux, &gain, nu));
        for i in 0..nd {
            for j in 0..i {
                let mean = 0.5 * (v_xx[i * nd + j] + v_xx[j * nd + i]);
                (v_xx[i * nd + j], v_xx[j * nd + i]) = (mean, mean);
            }
        }
        guess.clone_from(&step);
        policy.steps[k] = step;
        policy.gains[k] = gain;
    }
    Some(policy)
}
