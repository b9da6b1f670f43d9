//! Layers.

use cotangent_ad::nn::{Activation, Conv1d, Init, Mlp};
use cotangent_ad::random::Stream;
use cotangent_ad::{Real, Session, VectorFn};

use crate::{numbers, prove};

struct Net(Mlp);
impl VectorFn for Net {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let (weights, points) = x.split_at(self.0.parameters());
        self.0.forward(weights, points)
    }
}

/// So many points at once that a layer of 3 x 5 weights is a product of matrices; they move with the last three inputs.
struct Batch(Mlp);
impl VectorFn for Batch {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let (weights, scales) = x.split_at(self.0.parameters());
        let points: Vec<R> = (0..210).map(|k| scales[k % 3] * (k as f64 * 0.7).sin()).collect();
        let y = self.0.forward(weights, &points);
        let sum = |output: usize| {
            let each = y.iter().skip(output).step_by(2).enumerate();
            each.fold(R::lit(0.0), |sum, (k, y)| sum + *y * (1.0 / (1.0 + k as f64)))
        };
        vec![sum(0), sum(1)]
    }
}

struct Filter(Conv1d);
impl VectorFn for Filter {
    fn call<R: Real>(&self, x: &[R]) -> Vec<R> {
        let (weights, signal) = x.split_at(self.0.parameters());
        self.0.forward(weights, signal)
    }
}

#[test]
fn layers() {
    use Activation::{Elu, Identity, Relu, Sigmoid, Softplus, Tanh};
    for (hidden, output) in [(Tanh, Identity), (Sigmoid, Softplus), (Relu, Tanh), (Elu, Identity)] {
        let net = Mlp::new(&[3, 5, 2], hidden, output);
        prove(&Net(net.clone()), &numbers(50, net.parameters() + 6));
    }
    let net = Mlp::new(&[3, 5, 2], Tanh, Sigmoid);
    prove(&Batch(net.clone()), &numbers(52, net.parameters() + 3));
    for padding in [0, 1, 2] {
        let conv = Conv1d { inputs: 2, outputs: 3, kernel: 3, padding, activation: Tanh };
        prove(&Filter(conv), &numbers(51, conv.parameters() + 10));
    }
}

#[test]
fn a_convolution_is_its_formula() {
    let conv =
        Conv1d { inputs: 1, outputs: 1, kernel: 3, padding: 1, activation: Activation::Identity };
    // w = (1, 10, 100), b = 0.5
    let y = conv.forward(&[1.0, 10.0, 100.0, 0.5], &[1.0, 2.0, 3.0]);
    assert_eq!(y, [210.5, 321.5, 32.5]);
}

#[test]
fn a_layer_is_one_block_and_weights_start_as_named() {
    let net = Mlp::new(&[4, 64, 1], Activation::Tanh, Activation::Identity);
    let weights = net.initial(Init::Glorot, &Stream::new(&[3]));
    assert_eq!(weights, net.initial(Init::Glorot, &Stream::new(&[3])));
    let bound = (6.0_f64 / 68.0).sqrt();
    assert!(weights[..256].iter().all(|w| w.abs() <= bound));
    let session = Session::new();
    let taped: Vec<_> = weights.iter().map(|w| session.input(*w)).collect();
    let _ = net.forward(&taped, &[cotangent_ad::Var::konst(0.1); 40]);
    assert_eq!(session.len() - weights.len(), 10 * 64 + 10);
}

#[test]
#[should_panic(expected = "weights and biases")]
fn wrong_numbers_of_weights_panic() {
    Mlp::new(&[1, 1], Activation::Tanh, Activation::Tanh).forward(&[1.0], &[1.0]);
}
