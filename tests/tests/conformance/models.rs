//! Small models: integrators, pricing, coverage.

use cotangent_ad::special::normal_cdf;
use cotangent_ad::{Real, ScanMode, ScanOptions, Schedule, Session, Step, Var};

use super::{entry, function};

/// `th' = w, w' = a - k sin th - c w`.
fn pendulum<R: Real>([th, w]: [R; 2], [k, c, a]: [R; 3]) -> [R; 2] {
    [w, a - k * th.sin() - c * w]
}

/// One classical Runge-Kutta step.
#[derive(Clone)]
struct Rk4 {
    dt: f64,
}
impl Step<2, 3> for Rk4 {
    fn step<R: Real>(&self, s: [R; 2], p: [R; 3]) -> [R; 2] {
        let along = |k: [R; 2], h: f64| [s[0] + k[0] * h, s[1] + k[1] * h];
        let k1 = pendulum(s, p);
        let k2 = pendulum(along(k1, 0.5 * self.dt), p);
        let k3 = pendulum(along(k2, 0.5 * self.dt), p);
        let k4 = pendulum(along(k3, self.dt), p);
        let mean = |i: usize| (k1[i] + (k2[i] + k3[i]) * 2.0 + k4[i]) / 6.0;
        [s[0] + mean(0) * self.dt, s[1] + mean(1) * self.dt]
    }
}

#[derive(Clone)]
struct SemiImplicitEuler {
    dt: f64,
}
impl Step<2, 3> for SemiImplicitEuler {
    fn step<R: Real>(&self, [th, w]: [R; 2], p: [R; 3]) -> [R; 2] {
        let w = w + pendulum([th, w], p)[1] * self.dt;
        [th + w * self.dt, w]
    }
}

fn swing<R: Real, F: Step<2, 3>>(step: &F, n: usize, p: &[R], options: &ScanOptions) -> R {
    let start = [R::lit(1.0), R::lit(0.0)];
    let [th, w] = R::scan_with(step, n, start, [p[0], p[1], p[2]], options);
    th * th + w * w
}

#[test]
fn pendulum_rk4_1000() {
    function!(Swing, |p: &[R]| vec![swing(&Rk4 { dt: 0.01 }, 1000, p, &ScanOptions::default())]);
    let program = entry("pendulum_rk4_1000");
    program.hessian(&Swing);
    let gradient = |schedule| {
        let session = Session::<f64>::new();
        let p: Vec<Var<f64>> = program.inputs.iter().map(|p| session.input(*p)).collect();
        let options = ScanOptions { mode: ScanMode::Reverse, schedule };
        let y = swing(&Rk4 { dt: 0.01 }, 1000, &p, &options);
        session.pullback(&[y], &[1.0], &p)
    };
    let stored = gradient(Schedule::StoreAll);
    program.field("grad", "reverse, stored", || stored.clone());
    assert_eq!(stored, gradient(Schedule::Revolve { slots: 7 }), "bit for bit");
}

#[test]
fn pendulum_euler_10000() {
    function!(Swing, |p: &[R]| {
        vec![swing(&SemiImplicitEuler { dt: 0.001 }, 10_000, p, &ScanOptions::default())]
    });
    entry("pendulum_euler_10000").gradient(&Swing);
}

#[test]
fn black_scholes_greeks() {
    function!(Call, |x: &[R]| {
        let &[spot, strike, maturity, rate, volatility] = x else { panic!("five inputs") };
        let spread = volatility * maturity.sqrt();
        let d1 =
            ((spot / strike).ln() + (rate + volatility * volatility * 0.5) * maturity) / spread;
        let discounted = strike * (-rate * maturity).exp();
        vec![spot * normal_cdf(d1) - discounted * normal_cdf(d1 - spread)]
    });
    entry("black_scholes_greeks").hessian(&Call);
}

/// The part of a polygon where `inside` is not negative (Sutherland & Hodgman).
fn clip<R: Real>(polygon: &[[R; 2]], inside: impl Fn([R; 2]) -> R) -> Vec<[R; 2]> {
    let mut kept = Vec::new();
    for (k, &p) in polygon.iter().enumerate() {
        let q = polygon[(k + 1) % polygon.len()];
        let (here, there) = (inside(p), inside(q));
        if here >= R::lit(0.0) {
            kept.push(p);
        }
        if (here < R::lit(0.0)) != (there < R::lit(0.0)) {
            let t = here / (here - there);
            kept.push([p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t]);
        }
    }
    kept
}

#[test]
fn halfplane_coverage() {
    function!(Coverage, |x: &[R]| {
        let corner = |x: f64, y: f64| [R::lit(x), R::lit(y)];
        let pixel = [corner(0.0, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.0, 1.0)];
        let covered = clip(&pixel, |[px, py]| x[0] * px + x[1] - py);
        // a fan of triangles; a linear radiance integrates to area times its value at the centroid
        let mut total = R::lit(0.0);
        for w in covered[1..].windows(2) {
            let (a, b, c) = (covered[0], w[0], w[1]);
            let (u, v) = ([b[0] - a[0], b[1] - a[1]], [c[0] - a[0], c[1] - a[1]]);
            let area = (u[0] * v[1] - u[1] * v[0]) * 0.5;
            let radiance = |p: [R; 2]| p[0] + p[1] * 2.0;
            total += area * (radiance(a) + radiance(b) + radiance(c)) / 3.0;
        }
        vec![total]
    });
    entry("halfplane_coverage").hessian(&Coverage);
}
