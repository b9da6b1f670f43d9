"""Primal and gradient of reference scenes in Mitsuba 3: `name cpu_seconds value...` lines.

    python raytrace_mitsuba.py SPP SEEDS [images]

With `images`, `SCENE.SHADING.REFLECTIONS`: CPU seconds of an image with light reflected so often, flat or smooth normals, then the
mean and standard deviation of J over seeds. Else:

`SCENE.primal`: CPU seconds of an image, then J. `SCENE.gradient`: CPU seconds of dJ/dx in reverse mode (projective sampling,
no guiding: the cheapest of its variants at small budgets), then the mean and standard deviation over seeds.
"""
import math
import sys
import time

import one_thread  # noqa: F401  (before what it limits)

import drjit as dr
import mitsuba as mi
import numpy as np

mi.set_variant("llvm_ad_rgb")
dr.set_thread_count(1)
FILM = 64


def quad(c, x, y):
    c, x, y = map(np.array, (c, x, y))
    return np.array([c - x - y, c + x - y, c + x + y, c - x + y], np.float32), [[0, 1, 2], [0, 2, 3]]


def icosphere(centre, radius, levels):
    g = 0.5 * (1 + 5 ** 0.5)
    points = [np.array(p) / np.sqrt(1 + g * g) for p in [
        (-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g), (0, -1, -g), (0, 1, -g),
        (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1)]]
    faces = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6),
             (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10),
             (8, 6, 7), (9, 8, 1)]
    for _ in range(levels):
        middles, finer = {}, []

        def middle(i, j):
            key = (min(i, j), max(i, j))
            if key not in middles:
                m = points[i] + points[j]
                middles[key] = len(points)
                points.append(m / np.linalg.norm(m))
            return middles[key]

        for a, b, c in faces:
            ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
            finer += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        faces = finer
    return np.array(centre) + radius * np.array(points), faces


def mesh(name, shape, albedo=(0, 0, 0), radiance=None, normals=None):
    vertices, faces = shape
    p = mi.Properties()
    reflect = {"type": "diffuse", "reflectance": {"type": "rgb", "value": list(albedo)}}
    p["b"] = mi.load_dict({"type": "twosided", "b": reflect})
    if radiance:
        p["e"] = mi.load_dict({"type": "area", "radiance": {"type": "rgb", "value": list(radiance)}})
    m = mi.Mesh(name, len(vertices), len(faces), has_vertex_normals=normals is not None, props=p)
    t = mi.traverse(m)
    if normals is not None:
        t["vertex_normals"] = np.array(normals, np.float32).ravel()
    t["vertex_positions"] = np.array(vertices, np.float32).ravel()
    t["faces"] = np.array(faces, np.uint32).ravel()
    t.update()
    return m


def scene(origin, fov, meshes, target=(0, 0, 0)):
    film = {"type": "hdrfilm", "width": FILM, "height": FILM, "rfilter": {"type": "box"},
            "pixel_format": "rgb", "component_format": "float32", "sample_border": True}
    view = mi.ScalarTransform4f().look_at(origin=origin, target=list(target), up=[0, 1, 0])
    sensor = {"type": "perspective", "fov": fov, "fov_axis": "x", "near_clip": 0.01, "far_clip": 1000.0,
              "to_world": view, "film": film, "sampler": {"type": "independent"}}
    return mi.load_dict({"type": "scene", "sensor": sensor, **meshes})


def emissive_triangles():
    one = [[0, 1, 2]]
    tri = np.array([[-1.1, -0.9, 0], [1.2, -0.7, 0], [0.15, 1.1, 0]]), one
    front = np.array([[0.2, -0.4, 0.7], [1.3, -0.1, 0.7], [0.7, 0.8, 0.7]]), one
    return scene([0, 0, 5], 45.0, {
        "background": mesh("background", quad([0, 0, -2], [4, 0, 0], [0, 4, 0]), radiance=[0.1, 0.2, 0.5]),
        "tri": mesh("tri", tri, radiance=[1.0, 0.6, 0.2]),
        "front": mesh("front", front, radiance=[0.2, 0.9, 0.3])}), "tri"


def shadow_blocker():
    s, c = math.sin(math.radians(25)), math.cos(math.radians(25))
    blocker = quad([0, 1.5, -0.3], [0.4 * c, 0, -0.4 * s], [0.3 * s, 0, 0.3 * c])
    return scene([0, 2.2, 3.2], 35.0, {
        "floor": mesh("floor", quad([0, 0, -1.5], [0, 0, 3.5], [3, 0, 0]), albedo=[0.7, 0.6, 0.5]),
        "light": mesh("light", quad([0.3, 3.0, -0.2], [0.5, 0, 0], [0, 0, 0.5]), radiance=[12, 11, 10]),
        "blocker": mesh("blocker", blocker, albedo=[0.5] * 3)}), "blocker"


def icosphere_shadow(smooth=False):
    centre = [0, 0.6, 0]
    sphere = icosphere(centre, 0.5, 2)
    normals = (sphere[0] - np.array(centre)) / 0.5 if smooth else None
    return scene([0, 1.6, 3.4], 40.0, {
        "floor": mesh("floor", quad([0, 0, 0], [0, 0, 6], [6, 0, 0]), albedo=[0.5, 0.5, 0.55]),
        "light": mesh("light", quad([0.8, 3.0, 0.6], [0.4, 0, 0], [0, 0, 0.4]), radiance=[20, 19, 17]),
        "sphere": mesh("sphere", sphere, albedo=[0.7, 0.4, 0.3], normals=normals)}, [0, 0.45, 0]), "sphere"


def weights():
    j = 2 * (np.arange(FILM) + 0.5) / FILM - 1
    w = (j[None, :] + 0.5 * j[:, None]) / (FILM * FILM * 3)
    return mi.TensorXf(np.repeat(w[:, :, None], 3, 2).astype(np.float32))


def timed(sc, path, w, spp, seeds):
    """The least CPU seconds of an image, and weighed sums of the images of each seed."""
    best, values = float("inf"), []
    for k in range(seeds + 2):
        start = time.process_time()
        image = mi.render(sc, integrator=path, spp=spp, seed=k)
        dr.eval(image)
        dr.sync_thread()
        if k >= 2:  # kernels are compiled by then
            best = min(best, time.process_time() - start)
            values.append(float(dr.sum(image * w, axis=None).array[0]))
    return best, values


def images(spp, seeds):
    w = weights()
    blocker, flat, smooth = shadow_blocker()[0], icosphere_shadow()[0], icosphere_shadow(smooth=True)[0]
    for name, sc, reflections in [("icosphere_shadow.flat.1", flat, 1), ("icosphere_shadow.smooth.1", smooth, 1),
                                  ("shadow_blocker.flat.4", blocker, 4), ("icosphere_shadow.flat.4", flat, 4),
                                  ("icosphere_shadow.smooth.4", smooth, 4)]:
        path = mi.load_dict({"type": "path", "max_depth": reflections + 1, "rr_depth": 1000})
        best, values = timed(sc, path, w, spp, seeds)
        print(name, best, np.mean(values), np.std(values, ddof=1))


def main():
    spp, seeds = int(sys.argv[1]), int(sys.argv[2])
    if sys.argv[3:] == ["images"]:
        return images(spp, seeds)
    w = weights()
    path = mi.load_dict({"type": "path", "max_depth": 2, "rr_depth": 1000})
    projective = mi.load_dict({"type": "direct_projective", "guiding": "none"})
    for make in (emissive_triangles, shadow_blocker):
        sc, moves = make()
        best, values = timed(sc, path, w, spp, seeds)
        print(f"{make.__name__}.primal", best, np.mean(values))
        params = mi.traverse(sc)
        key = moves + ".vertex_positions"
        base = mi.Float(params[key])
        best, values = float("inf"), []
        for k in range(seeds + 2):
            start = time.process_time()
            x = mi.Float(0)
            dr.enable_grad(x)
            params[key] = dr.ravel(dr.unravel(mi.Point3f, base) + mi.Vector3f(1, 0, 0) * x)
            params.update()
            image = mi.render(sc, params, integrator=projective, spp=spp, seed=1000 + 17 * k)
            dr.backward(dr.sum(image * w, axis=None))
            g = float(dr.grad(x)[0])
            if k >= 2:  # kernels are compiled by then
                best = min(best, time.process_time() - start)
                values.append(g)
        print(f"{make.__name__}.gradient", best, np.mean(values), np.std(values, ddof=1))


main()
