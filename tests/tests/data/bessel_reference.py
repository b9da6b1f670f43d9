"""Bessel functions with 40 digits, for the tests.

    pip install mpmath        (written with 1.4.1)
    python bessel_reference.py > bessel_reference.csv

A line each: function, order, argument, value.
"""
from mpmath import besseli, besselj, besselk, mp, mpf, nstr

mp.dps = 40
ORDERS = ["0", "0.25", "0.5", "1", "1.75", "2", "3.3", "7", "20.5", "60", "150.2", "400"]
POINTS = ["1e-8", "0.01", "0.6", "1.9", "2.7", "5.1", "11.3", "29.5", "31.7", "75", "210.4", "650", "3000.25"]
for name, f in (("j", besselj), ("i", besseli), ("k", besselk)):
    for order in ORDERS:
        for x in POINTS:
            # of the numbers that a program holds, not of the decimal ones
            value = f(mpf(float(order)), mpf(float(x)))
            if 1e-280 < abs(value) < 1e290:
                print(f"{name},{order},{x},{nstr(value, 20)}")
