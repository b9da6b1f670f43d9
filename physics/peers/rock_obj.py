"""A rock: an icosahedron, divided twice, its corners moved along their rays by three waves; 320 triangles, closed, without symmetry.

    python physics/peers/rock_obj.py > physics/tests/data/rock.obj
"""

import itertools
import math

golden = (1 + math.sqrt(5)) / 2
corners = [p for a, b in itertools.product((-1, 1), (-golden, golden)) for p in ((0, a, b), (a, b, 0), (b, 0, a))]
near = lambda i, j: abs(math.dist(corners[i], corners[j]) - 2) < 1e-9
faces = [f for f in itertools.combinations(range(12), 3) if all(near(*e) for e in itertools.combinations(f, 2))]


def outward(face):
    a, b, c = (corners[i] for i in face)
    u, v = [q - p for p, q in zip(a, b)], [q - p for p, q in zip(a, c)]
    n = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    return face if sum(x * y for x, y in zip(n, a)) > 0 else face[::-1]


faces = [outward(f) for f in faces]
for _ in range(2):
    middles = {}

    def middle(i, j):
        key = (min(i, j), max(i, j))
        if key not in middles:
            middles[key] = len(corners)
            corners.append([(x + y) / 2 for x, y in zip(corners[i], corners[j])])
        return middles[key]

    divided = []
    for i, j, k in faces:
        a, b, c = middle(i, j), middle(j, k), middle(k, i)
        divided += [(i, a, c), (a, j, b), (c, b, k), (a, b, c)]
    faces = divided

print("# by physics/peers/rock_obj.py")
for corner in corners:
    x, y, z = (p / math.hypot(*corner) for p in corner)
    r = 0.3 * (1 + 0.2 * math.sin(3 * x + 1) + 0.15 * math.cos(4 * y - 0.5) + 0.1 * math.sin(5 * z + 2 * x))
    print(f"v {1.2 * r * x + 0.1:.4f} {0.9 * r * y - 0.05:.4f} {r * z + 0.02:.4f}")
for face in faces:
    print("f", *(i + 1 for i in face))
