//! What a functional is given at a point: densities of both spins, and what is made of them.

use cotangent_ad::Real;

/// Added to spin densities, in 1/bohr^3: where there is no electron of one spin, powers of its density have derivatives that a
/// number can hold. It is far below what moves an energy: `(n_s/n)^(2/3)`, the least power that occurs, is then 5e-16 where `n = 0.1`.
/// Added, not a lower bound, so that all points go the same way through the code.
const BESIDE_ZERO: f64 = 1e-24;
/// `2^(1/3)`.
pub(super) const CBRT_2: f64 = 1.259_921_049_894_873_2;

/// Densities, gradients and kinetic energies at a point, of both spins.
///
/// A closed shell is a type of its own inside: its polarisation is the constant 0, so that what depends on it is no work.
#[derive(Clone, Copy, Debug)]
pub struct SpinDensity<R> {
    /// `n = n_up + n_down`, in 1/bohr^3.
    pub total: R,
    /// `n^(1/3)`.
    pub cbrt_total: R,
    /// `n_up, n_down`.
    pub spin: [R; 2],
    /// `|grad n|^2`, in 1/bohr^8.
    pub sigma_total: R,
    /// `grad n_s . grad n_s'` of up with up, up with down, down with down.
    pub sigma: [R; 3],
    /// `tau = 1/2 sum |grad phi|^2` of all electrons, in hartree/bohr^3.
    pub tau_total: R,
    /// `tau` of up, of down.
    pub tau: [R; 2],
    open: Option<Polarisation<R>>,
}

/// What a closed shell has as constants.
#[derive(Clone, Copy, Debug)]
struct Polarisation<R> {
    zeta: R,
    cbrt_spin: [R; 2],
}

/// A density without polarisation, as exchange by the spin-scaling relation sees it.
#[derive(Clone, Copy, Debug)]
pub struct Channel<R> {
    /// `n`.
    pub density: R,
    /// `n^(1/3)`.
    pub cbrt: R,
    /// `|grad n|^2`.
    pub sigma: R,
    /// `tau`.
    pub tau: R,
}

impl<R: Real> SpinDensity<R> {
    /// Both spins alike: `n`, `|grad n|^2` and `tau` of all electrons.
    pub fn closed_shell(total: R, sigma: R, tau: R) -> Self {
        Self {
            total,
            cbrt_total: total.cbrt(),
            spin: [total * 0.5; 2],
            sigma_total: sigma,
            sigma: [sigma * 0.25; 3],
            tau_total: tau,
            tau: [tau * 0.5; 2],
            open: None,
        }
    }

    /// Spins apart; `sigma` of up with up, up with down, down with down.
    pub fn open_shell(spin: [R; 2], sigma: [R; 3], tau: [R; 2]) -> Self {
        let spin = spin.map(|n| n + BESIDE_ZERO);
        let total = spin[0] + spin[1];
        let cbrt_spin = spin.map(R::cbrt);
        Self {
            total,
            cbrt_total: total.cbrt(),
            spin,
            sigma_total: sigma[0] + sigma[1] * 2.0 + sigma[2],
            sigma,
            tau_total: tau[0] + tau[1],
            tau,
            open: Some(Polarisation { zeta: (spin[0] - spin[1]) / total, cbrt_spin }),
        }
    }

    /// The same point in another number, made by `f`.
    pub(super) fn map<S>(&self, f: impl Fn(R) -> S + Copy) -> SpinDensity<S> {
        SpinDensity {
            total: f(self.total),
            cbrt_total: f(self.cbrt_total),
            spin: self.spin.map(f),
            sigma_total: f(self.sigma_total),
            sigma: self.sigma.map(f),
            tau_total: f(self.tau_total),
            tau: self.tau.map(f),
            open: self
                .open
                .map(|open| Polarisation { zeta: f(open.zeta), cbrt_spin: open.cbrt_spin.map(f) }),
        }
    }

    /// `zeta = (n_up - n_down)/n`, or nothing where it is the constant 0.
    pub fn zeta(&self) -> Option<R> {
        self.open.map(|open| open.zeta)
    }

    /// `1 + zeta, 1 - zeta`, without cancellation, and their cube roots; nothing where they are 1.
    pub fn one_plus_zeta(&self) -> Option<[[R; 2]; 2]> {
        self.open.map(|open| {
            let of = |s: usize| {
                let root = open.cbrt_spin[s] * CBRT_2 / self.cbrt_total;
                [self.spin[s] * 2.0 / self.total, root]
            };
            [of(0), of(1)]
        })
    }

    /// The mean of `g(1 + zeta, (1 + zeta)^(1/3))` and of the same with `-zeta`; nothing where that is `g(1, 1)`.
    pub fn mean_over_spins(&self, g: impl Fn(R, R) -> R) -> Option<R> {
        self.one_plus_zeta().map(|[up, down]| (g(up[0], up[1]) + g(down[0], down[1])) * 0.5)
    }

    /// The Wigner-Seitz radius `r_s = (3/(4 pi n))^(1/3)`, in bohr.
    pub fn wigner_seitz_radius(&self) -> R {
        R::lit((0.75 / std::f64::consts::PI).cbrt()) / self.cbrt_total
    }

    /// Exchange of both spins from that of an unpolarised density: `E[n_up, n_down] = (E[2 n_up] + E[2 n_down])/2`.
    ///
    /// # Source
    /// Oliver & Perdew, Phys. Rev. A 20, 397 (1979).
    pub fn by_spin_scaling(&self, energy_density: impl Fn(&Channel<R>) -> R) -> R {
        let Some(open) = self.open else {
            return energy_density(&Channel {
                density: self.total,
                cbrt: self.cbrt_total,
                sigma: self.sigma_total,
                tau: self.tau_total,
            });
        };
        let channel = |s: usize| Channel {
            density: self.spin[s] * 2.0,
            cbrt: open.cbrt_spin[s] * CBRT_2,
            sigma: self.sigma[2 * s] * 4.0,
            tau: self.tau[s] * 2.0,
        };
        (energy_density(&channel(0)) + energy_density(&channel(1))) * 0.5
    }
}

impl<R: Real> Channel<R> {
    /// `s^2 = |grad n|^2 / (4 (3 pi^2)^(2/3) n^(8/3))`.
    pub fn reduced_gradient_squared(&self) -> R {
        let fermi = (3.0 * std::f64::consts::PI.powi(2)).cbrt();
        let n_4_3 = self.density * self.cbrt;
        self.sigma / (n_4_3 * n_4_3) * (0.25 / (fermi * fermi))
    }
}
