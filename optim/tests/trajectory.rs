//! Trajectories with control limits: a linear-quadratic problem in closed form, and two swing-ups.
#![allow(clippy::float_cmp, reason = "equal bits are what is tested")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use cotangent_ad::{Real, grad, jacobian_forward};
use cotangent_optim::{Ddp, DdpOptions, DdpStep, Method, Problem, Status, Stop, minimize};
use cotangent_problem::{
    Capabilities, Evaluation, InStages, NoStages, Objective, Parameter, SampleKey, Space,
    StageDerivatives, Stages, TrialFailure, Want, Workspace,
};

/// `x+ = f(x, u)` with the cost `1/2 sum (r u^2 + q |x|^2) + 1/2 w |x_N - goal|^2`.
trait Dynamics: Sync {
    const N: usize;
    fn next<R: Real>(&self, x: &[R], u: R) -> Vec<R>;
}

#[derive(Clone)]
struct System<D: Dynamics> {
    dynamics: D,
    start: Vec<f64>,
    goal: Vec<f64>,
    limit: f64,
    running: f64,
    effort: f64,
    last: f64,
}

impl<D: Dynamics> Stages for System<D> {
    fn len(&self) -> usize {
        D::N
    }
    fn state_len(&self) -> usize {
        self.start.len()
    }
    fn directions(&self) -> usize {
        self.start.len()
    }
    fn control_len(&self, _: usize) -> usize {
        1
    }
    fn start(&self) -> Vec<f64> {
        self.start.clone()
    }
    fn control_limits(&self, _: usize) -> [Vec<f64>; 2] {
        [vec![-self.limit], vec![self.limit]]
    }
    fn step(&self, _: usize, x: &[f64], u: &[f64], next: &mut [f64]) -> Result<f64, TrialFailure> {
        assert!(u[0].abs() <= self.limit, "limits hold at every trial: {u:?}");
        let square: f64 = x.iter().map(|x| x * x).sum();
        let cost = 0.5 * (self.effort * u[0] * u[0] + self.running * square);
        next.copy_from_slice(&self.dynamics.next(x, u[0]));
        Ok(cost)
    }
    fn last_cost(&self, x: &[f64]) -> Result<f64, TrialFailure> {
        let off = x.iter().zip(&self.goal).map(|(x, g)| (x - g).powi(2));
        Ok(0.5 * self.last * off.sum::<f64>())
    }
    fn derivatives(
        &self,
        stage: usize,
        x: &[f64],
        u: &[f64],
        out: &mut StageDerivatives,
    ) -> Result<(), TrialFailure> {
        let n = x.len();
        let identity =
            |w: f64| (0..n * n).map(|k| if k % (n + 1) == 0 { w } else { 0.0 }).collect();
        if stage == D::N {
            let cost_x = x.iter().zip(&self.goal).map(|(x, g)| self.last * (x - g)).collect();
            let cost_xx = identity(self.last);
            *out = StageDerivatives { cost_x, cost_xx, ..Default::default() };
            return Ok(());
        }
        let both: Vec<f64> = x.iter().chain(u).copied().collect();
        let rows = jacobian_forward(|z| self.dynamics.next(&z[..n], z[n]), &both);
        let rows = rows.chunks_exact(n + 1);
        *out = StageDerivatives {
            a: rows.clone().flat_map(|row| row[..n].to_vec()).collect(),
            b: rows.map(|row| row[n]).collect(),
            cost_x: x.iter().map(|x| self.running * x).collect(),
            cost_u: vec![self.effort * u[0]],
            cost_xx: identity(self.running),
            cost_ux: vec![0.0; n],
            cost_uu: vec![self.effort],
        };
        Ok(())
    }
}

impl<D: Dynamics + Clone> System<D> {
    /// The cost by the flat list of controls, for derivatives that share nothing with the sweep.
    fn cost<R: Real>(&self, controls: &[R]) -> R {
        let mut x: Vec<R> = self.start.iter().map(|x| R::lit(*x)).collect();
        let mut cost = R::lit(0.0);
        for u in controls {
            let square: R = x.iter().map(|x| *x * *x).sum();
            cost += (*u * *u * self.effort + square * self.running) * 0.5;
            x = self.dynamics.next(&x, *u);
        }
        let off: R = x.iter().zip(&self.goal).map(|(x, g)| (*x - *g) * (*x - *g)).sum();
        cost + off * (0.5 * self.last)
    }

    /// What L-BFGS-B, which knows nothing of stages, still gains over the flat list of controls, as a fraction of the cost.
    fn left_to_gain(&self, controls: &[Vec<f64>]) -> f64 {
        let flat: Vec<f64> = controls.concat();
        let parameter = Parameter::vector("u", D::N).within(-self.limit, self.limit);
        let space = Space::new(vec![parameter]).unwrap();
        let problem = Problem { objective: &Flat(self), space: &space };
        let stop = Stop { max_evaluations: 300, ..Stop::default() };
        let method = Method::named("lbfgsb").unwrap();
        let end = minimize(&problem, method, stop, &flat, SampleKey(0), &mut ()).unwrap();
        1.0 - end.value / self.cost(&flat)
    }
}

/// A system as an objective of its controls.
struct Flat<'a, D: Dynamics>(&'a System<D>);
impl<D: Dynamics + Clone> Objective for Flat<'_, D> {
    fn dim(&self) -> usize {
        D::N
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { gradient: true, ..Default::default() }
    }
    fn evaluate(
        &self,
        x: &[f64],
        want: Want,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Evaluation, TrialFailure> {
        let gradient = want.gradient.then(|| grad(|u| self.0.cost(u), x));
        Ok(Evaluation { value: self.0.cost(x), gradient, ..Default::default() })
    }
    fn stages(&self) -> Result<InStages<'_>, NoStages> {
        let places = (0..D::N).map(|k| (k, 0)).collect();
        Ok(InStages { stages: Box::new(self.0.clone()), places })
    }
}

/// A double integrator, which is linear.
#[derive(Clone)]
struct Cart;
impl Dynamics for Cart {
    const N: usize = 40;
    fn next<R: Real>(&self, x: &[R], u: R) -> Vec<R> {
        vec![x[0] + x[1] * 0.1 + u * 0.005, x[1] + u * 0.1]
    }
}

/// A pole on a cart (a rail, a hinge), position, angle from hanging, and their rates; steps of 20 ms, semi-implicit.
#[derive(Clone)]
struct CartPole;
impl Dynamics for CartPole {
    const N: usize = 125;
    fn next<R: Real>(&self, x: &[R], u: R) -> Vec<R> {
        let (m, l, g, h) = (0.2, 0.5, 9.81, 0.02);
        let (s, c) = x[1].sin_cos();
        // (1 + m) a + m l c alpha = u + m l s w^2, l alpha + c a = -g s
        let push = u + s * x[3] * x[3] * (m * l) + s * c * (m * g);
        let a = push / (-(c * c) * m + (1.0 + m));
        let alpha = -(c * a + s * g) / l;
        let (v, w) = (x[2] + a * h, x[3] + alpha * h);
        vec![x[0] + v * h, x[1] + w * h, v, w]
    }
}

/// Two rods with a motor at the elbow alone; angles from hanging, the second relative; steps of 20 ms, semi-implicit.
#[derive(Clone)]
struct Acrobot;
impl Dynamics for Acrobot {
    const N: usize = 150;
    fn next<R: Real>(&self, x: &[R], u: R) -> Vec<R> {
        // unit masses and lengths, thin rods about their ends
        let (h, g) = (0.02, 9.81);
        let (s2, c2) = x[1].sin_cos();
        let m11 = c2 + (1.0 / 3.0 + 1.0 + 1.0 / 3.0);
        let m12 = c2 * 0.5 + 1.0 / 3.0;
        let m22 = 1.0 / 3.0;
        let both = (x[0] + x[1]).sin() * (0.5 * g);
        let b1 = -s2 * 0.5 * x[3] * (x[2] * 2.0 + x[3]) + x[0].sin() * (1.5 * g) + both;
        let b2 = s2 * 0.5 * x[2] * x[2] + both;
        let (f1, f2) = (-b1, u - b2);
        let determinant = m11 * m22 - m12 * m12;
        let a1 = (f1 * m22 - m12 * f2) / determinant;
        let a2 = (m11 * f2 - m12 * f1) / determinant;
        let (v1, v2) = (x[2] + a1 * h, x[3] + a2 * h);
        vec![x[0] + v1 * h, x[1] + v2 * h, v1, v2]
    }
}

fn cart_pole(limit: f64) -> System<CartPole> {
    let goal = vec![0.0, std::f64::consts::PI, 0.0, 0.0];
    let (running, effort, last) = (0.0, 1e-3, 100.0);
    System { dynamics: CartPole, start: vec![0.0; 4], goal, limit, running, effort, last }
}

fn acrobot() -> System<Acrobot> {
    let goal = vec![std::f64::consts::PI, 0.0, 0.0, 0.0];
    let (running, effort, last) = (0.0, 1e-3, 100.0);
    System { dynamics: Acrobot, start: vec![0.0; 4], goal, limit: 20.0, running, effort, last }
}

fn run<D: Dynamics>(
    system: &System<D>,
    first: impl Fn(usize) -> f64,
    value_tolerance: f64,
) -> (Ddp, Status) {
    let controls = (0..D::N).map(|k| vec![first(k)]).collect();
    let mut run = Ddp::start(system, controls, DdpOptions::default()).unwrap();
    let status = run.run(system, &Stop { value_tolerance, ..Default::default() });
    (run, status)
}

#[test]
fn a_linear_quadratic_problem_is_solved_by_one_step() {
    let (start, goal) = (vec![1.0, 0.0], vec![0.0, 0.0]);
    let (running, effort, last, limit) = (0.2, 0.1, 5.0, f64::INFINITY);
    let system = System { dynamics: Cart, start, goal, limit, running, effort, last };
    let (end, status) = run(&system, |_| 0.0, 1e-9);
    assert!(status.is_success(), "{status:?}");
    // the Riccati recursion by hand, 2 x 2
    let (a, b) = ([[1.0, 0.1], [0.0, 1.0]], [0.005, 0.1]);
    let mut p = [[last, 0.0], [0.0, last]];
    for _ in 0..Cart::N {
        let pb = [0, 1].map(|i| p[i][0] * b[0] + p[i][1] * b[1]);
        let pa =
            [0, 1].map(|i: usize| [0, 1].map(|j: usize| p[i][0] * a[0][j] + p[i][1] * a[1][j]));
        let s = effort + b[0] * pb[0] + b[1] * pb[1];
        let apb = [0, 1].map(|j: usize| a[0][j] * pb[0] + a[1][j] * pb[1]);
        p = [0, 1].map(|i: usize| {
            [0, 1].map(|j: usize| {
                let own = if i == j { running } else { 0.0 };
                own + a[0][i] * pa[0][j] + a[1][i] * pa[1][j] - apb[i] * apb[j] / s
            })
        });
    }
    assert!((end.cost() - 0.5 * p[0][0]).abs() < 1e-9, "{} {}", end.cost(), 0.5 * p[0][0]);
    assert!(end.iterations() <= 3, "{}", end.iterations());
}

#[test]
fn a_cart_swings_its_pole_up_within_the_limits_of_its_motor() {
    let system = cart_pole(6.0);
    let (end, status) = run(&system, |k| 0.5 * (0.1 * k as f64).sin(), 1e-9);
    assert!(status.is_success(), "{status:?} {}", end.cost());
    let last = &end.states()[CartPole::N];
    let off = last.iter().zip(&system.goal).map(|(x, g)| (x - g).abs()).fold(0.0, f64::max);
    assert!(off < 0.02, "{last:?}");
    let at_limit = end.controls().iter().filter(|u| u[0].abs() == 6.0).count();
    assert!(at_limit > 3, "the limit acts: {at_limit}");
    let left = system.left_to_gain(end.controls());
    assert!((-1e-9..1e-5).contains(&left), "{left}");
}

#[test]
fn an_acrobot_swings_up_by_its_elbow() {
    let system = acrobot();
    let (end, status) = run(&system, |k| 0.1 * (0.1 * k as f64).sin(), 1e-6);
    assert!(status.is_success(), "{status:?} {}", end.cost());
    let last = &end.states()[Acrobot::N];
    let off = last.iter().zip(&system.goal).map(|(x, g)| (x - g).abs()).fold(0.0, f64::max);
    assert!(off < 0.05, "{last:?}");
    // without the dynamics' second derivatives the end of an acrobot is slow: the tolerance is looser
    let left = system.left_to_gain(end.controls());
    assert!((-1e-9..0.02).contains(&left), "{left} {}", end.iterations());
    // a sweep of derivatives and two or three trials each
    let (evaluations, iterations) = (end.counts().evaluations, end.iterations());
    assert!(evaluations <= 4 * iterations as u64, "{evaluations} in {iterations} iterations");
}

#[test]
fn a_run_resumed_from_text_at_any_iteration_gives_the_same_bits() {
    let system = cart_pole(8.0);
    let stop = Stop { max_iterations: 8, ..Default::default() };
    let start = || {
        let controls = (0..CartPole::N).map(|k| vec![(0.1 * k as f64).sin()]).collect();
        Ddp::start(&system, controls, DdpOptions::default()).unwrap()
    };
    let (mut whole, mut broken) = (start(), start());
    loop {
        let text = serde_json::to_string(&broken).unwrap();
        broken = serde_json::from_str(&text).unwrap();
        let (a, b) = (whole.step(&system, &stop), broken.step(&system, &stop));
        assert_eq!((&a, &whole), (&b, &broken));
        if let DdpStep::Done(status) = a {
            assert_eq!(status, Status::MaxIterations);
            break;
        }
    }
}

#[test]
fn controls_of_the_wrong_number_and_states_that_fly_away_are_refused() {
    let system = cart_pole(8.0);
    let few = Ddp::start(&system, vec![vec![0.0]; 3], DdpOptions::default());
    assert!(matches!(few, Err(TrialFailure::Contract(_))), "{few:?}");
    let far = System { start: vec![0.0, 0.0, f64::MAX, 0.0], ..cart_pole(8.0) };
    let far = Ddp::start(&far, vec![vec![0.0]; CartPole::N], DdpOptions::default());
    assert!(matches!(far, Err(TrialFailure::NonFinite { .. })), "{far:?}");
}

/// As a method by name: a limit of calls is never exceeded, wherever it falls, and what it ends at is what the search by itself ends at.
#[test]
fn by_name_it_keeps_to_its_calls_and_ends_where_the_objective_agrees() {
    let system = cart_pole(6.0);
    let parameter = Parameter::vector("u", CartPole::N).within(-6.0, 6.0);
    let space = Space::new(vec![parameter]).unwrap();
    let flat = Flat(&system);
    let problem = Problem { objective: &flat, space: &space };
    let start: Vec<f64> = (0..CartPole::N).map(|k| 0.5 * (0.1 * k as f64).sin()).collect();
    let end = |max_evaluations| {
        let stop = Stop { max_evaluations, value_tolerance: 1e-9, ..Stop::default() };
        let method = Method::named("ddp").unwrap();
        minimize(&problem, method, stop, &start, SampleKey(0), &mut ()).unwrap()
    };
    let whole = end(100_000);
    assert!(whole.status.is_success(), "{:?}", whole.status);
    let (by_itself, _) = run(&system, |k| start[k], 1e-9);
    assert!((whole.value / by_itself.cost() - 1.0).abs() < 1e-8, "{whole:?}");
    for most in (2..40).chain(whole.evaluations - 25..whole.evaluations) {
        let cut = end(most);
        assert!(cut.evaluations <= most, "{most}: {cut:?}");
        assert_eq!(cut.status, Status::MaxEvaluations, "{most}");
    }
}
