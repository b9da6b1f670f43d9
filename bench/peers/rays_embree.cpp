/* Rays against a mesh in Embree 3, one ray at a time, on one thread: the limit that the rows of rays are measured against.
 *
 * c++ -O3 -march=native -o rays_embree rays_embree.cpp -lembree3 && ./rays_embree FILE REPEATS
 * (Debian: apt-get install g++ libembree-dev)
 *
 * FILE, little-endian: numbers of vertices, of faces, of coherent and of diffuse rays (32 bits each); coordinates of the vertices,
 * corners of the faces, origins and directions of the rays (single precision; corners 32 bits).
 * Lines: `build CPU_S`, `closest.KIND CPU_S HITS SUM_OF_DISTANCES`, `occluded.KIND CPU_S HITS`; the least process CPU seconds.
 */
#include <embree3/rtcore.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <pmmintrin.h>
#include <vector>
#include <xmmintrin.h>

static double cpu_seconds() {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

template <class T> static std::vector<T> read(FILE *file, size_t count) {
    std::vector<T> values(count);
    if (fread(values.data(), sizeof(T), count, file) != count) {
        fprintf(stderr, "the file is too short\n");
        exit(1);
    }
    return values;
}

static void set(RTCRay &ray, const float *r) {
    ray.org_x = r[0], ray.org_y = r[1], ray.org_z = r[2];
    ray.dir_x = r[3], ray.dir_y = r[4], ray.dir_z = r[5];
    ray.tnear = 0, ray.tfar = std::numeric_limits<float>::infinity();
    ray.mask = -1, ray.flags = 0, ray.time = 0;
}

static RTCScene build(RTCDevice device, const std::vector<float> &vertices, const std::vector<uint32_t> &faces) {
    RTCScene scene = rtcNewScene(device);
    RTCGeometry mesh = rtcNewGeometry(device, RTC_GEOMETRY_TYPE_TRIANGLE);
    memcpy(rtcSetNewGeometryBuffer(mesh, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, 12, vertices.size() / 3),
           vertices.data(), 4 * vertices.size());
    memcpy(rtcSetNewGeometryBuffer(mesh, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3, 12, faces.size() / 3),
           faces.data(), 4 * faces.size());
    rtcCommitGeometry(mesh);
    rtcAttachGeometry(scene, mesh);
    rtcReleaseGeometry(mesh);
    rtcCommitScene(scene);
    return scene;
}

static void cast(RTCScene scene, const char *kind, const std::vector<float> &rays, int repeats) {
    double closest = 1e9, occluded = 1e9, sum = 0;
    long hits = 0, hidden = 0;
    for (int k = 0; k < repeats; k++) {
        RTCIntersectContext context;
        rtcInitIntersectContext(&context);
        if (!strcmp(kind, "coherent")) context.flags = RTC_INTERSECT_CONTEXT_FLAG_COHERENT;
        double start = cpu_seconds();
        hits = 0, sum = 0;
        for (size_t i = 0; i < rays.size(); i += 6) {
            RTCRayHit h;
            set(h.ray, &rays[i]);
            h.hit.geomID = h.hit.instID[0] = RTC_INVALID_GEOMETRY_ID;
            rtcIntersect1(scene, &context, &h);
            if (h.hit.geomID != RTC_INVALID_GEOMETRY_ID) hits++, sum += h.ray.tfar;
        }
        double middle = cpu_seconds();
        hidden = 0;
        for (size_t i = 0; i < rays.size(); i += 6) {
            RTCRay ray;
            set(ray, &rays[i]);
            rtcOccluded1(scene, &context, &ray);
            hidden += ray.tfar < 0;
        }
        double end = cpu_seconds();
        if (middle - start < closest) closest = middle - start;
        if (end - middle < occluded) occluded = end - middle;
    }
    printf("closest.%s %.9g %ld %.9g\n", kind, closest, hits, sum);
    printf("occluded.%s %.9g %ld\n", kind, occluded, hidden);
}

int main(int count, char **words) {
    FILE *file = count == 3 ? fopen(words[1], "rb") : nullptr;
    if (!file) {
        fprintf(stderr, "rays_embree FILE REPEATS\n");
        return 1;
    }
    int repeats = atoi(words[2]);
    auto sizes = read<uint32_t>(file, 4);
    auto vertices = read<float>(file, 3 * (size_t)sizes[0]);
    auto faces = read<uint32_t>(file, 3 * (size_t)sizes[1]);
    auto coherent = read<float>(file, 6 * (size_t)sizes[2]), diffuse = read<float>(file, 6 * (size_t)sizes[3]);
    _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
    _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
    RTCDevice device = rtcNewDevice("threads=1,set_affinity=0");
    RTCScene scene = nullptr;
    double least = 1e9;
    for (int k = 0; k < repeats; k++) {
        if (scene) rtcReleaseScene(scene);
        double start = cpu_seconds();
        scene = build(device, vertices, faces);
        double seconds = cpu_seconds() - start;
        if (seconds < least) least = seconds;
    }
    printf("build %.9g\n", least);
    cast(scene, "coherent", coherent, repeats);
    cast(scene, "diffuse", diffuse, repeats);
    rtcReleaseScene(scene);
    rtcReleaseDevice(device);
}
