//! Differentiable Kohn-Sham density functional theory.
