"""The basis sets that the crate carries, from the Basis Set Exchange, in NWChem's format.

    pip install basis-set-exchange==0.12
    python basis_tables.py ../data/basis

Basis Set Exchange, BSD-3-Clause: Pritchard et al., J. Chem. Inf. Model. 59, 4814 (2019), doi:10.1021/acs.jcim.9b00725. Each file begins with
the references that the exchange gives for the set. Numbers are the published ones without padding. General contractions are
written as one block with a column for each contraction.
"""
import sys
from pathlib import Path

import basis_set_exchange as bse

SETS = {
    "sto-3g": "STO-3G",
    "6-31g": "6-31G",
    "6-31gs": "6-31G*",
    "6-311ppgss": "6-311++G**",
    "cc-pvdz": "cc-pVDZ",
    "cc-pvtz": "cc-pVTZ",
    "def2-svp": "def2-SVP",
    "def2-tzvp": "def2-TZVP",
}
LETTERS = "SPDFG"


def number(text):
    mantissa, _, exponent = text.lower().partition("e")
    negative = mantissa.startswith("-")
    digits = mantissa.lstrip("+-")
    whole, _, fraction = digits.partition(".")
    power = int(exponent or 0)
    fraction = fraction.rstrip("0")
    if power >= 0:  # shift the point where that is shorter
        fraction = fraction.ljust(power, "0")
        whole, fraction, power = whole + fraction[:power], fraction[power:], 0
    whole = whole.lstrip("0") or "0"
    body = whole + ("." + fraction if fraction else ".0")
    return ("-" if negative else "") + body + (f"e{power}" if power else "")


def shells(element):
    for shell in element["electron_shells"]:
        momenta, columns = shell["angular_momentum"], shell["coefficients"]
        letters = "SP" if momenta == [0, 1] else LETTERS[momenta[0]]
        assert len(momenta) == 1 or letters == "SP"
        yield letters, shell["exponents"], columns


def write(folder, file, name):
    known = bse.get_basis(name)["elements"]
    elements = [z for z in range(1, 19) if str(z) in known]
    data = bse.get_basis(name, elements=elements)
    lines = [f"# {name}, Basis Set Exchange {bse.__version__}, version {data['version']} of the set; see basis_tables.py"]
    keys = sorted({k for e in data["elements"].values() for r in e["references"] for k in r["reference_keys"]})
    lines += ["# references: " + ", ".join(keys)]
    for z in elements:
        symbol = bse.lut.element_sym_from_Z(z, normalize=True)
        for letters, exponents, columns in shells(data["elements"][str(z)]):
            lines.append(f"{symbol} {letters}")
            for row in zip(exponents, *columns):
                lines.append(" ".join(number(x) for x in row))
                assert all(float(number(x)) == float(x) for x in row)
    (folder / f"{file}.nw").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for file, name in SETS.items():
        write(Path(sys.argv[1]), file, name)
