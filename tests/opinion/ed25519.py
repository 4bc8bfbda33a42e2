"""Ed25519 as RFC 8032 defines it, verified without cofactor; slow, and safe for no secret."""
import functools
import hashlib

P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
ZERO = (0, 1, 1, 0)  # X, Y, Z and X * Y / Z.


def recovered_x(y, sign):
    """None where there is no such point."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return x if x % 2 == sign else P - x


def added(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


@functools.lru_cache(maxsize=64)
def doubled(point):
    """The point times 1, 2, 4 and so on."""
    points = [point]
    while len(points) < 256:
        points.append(added(points[-1], points[-1]))
    return points


def times(factor, point):
    result = ZERO
    for bit, power in enumerate(doubled(point)):
        if factor >> bit & 1:
            result = added(result, power)
    return result


def encoded(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decoded(data):
    y, sign = int.from_bytes(data, "little") & 2 ** 255 - 1, data[31] >> 7
    x = recovered_x(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


BASE = decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def low_order():
    """The values of y of all points whose order divides 8; those of order 8 are found by search."""
    found, y = {0, 1, P - 1}, 2
    while len(found) < 5:
        point = decoded(y.to_bytes(32, "little"))
        if point is not None:
            torsion = times(L, point)
            found.add(torsion[1] * pow(torsion[2], P - 2, P) % P)
        y += 1
    return found


WEAK = low_order()


def is_weak(key):
    y = int.from_bytes(key, "little") & 2 ** 255 - 1
    return y >= P or y in WEAK


def number_of(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def expanded(seed):
    both = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(both[:32], "little") & 2 ** 254 - 8 | 2 ** 254
    return scalar, both[32:]


def public_key(seed):
    return encoded(times(expanded(seed)[0], BASE))


def sign(seed, text):
    scalar, prefix = expanded(seed)
    key = encoded(times(scalar, BASE))
    r = number_of(prefix, text) % L
    commitment = encoded(times(r, BASE))
    s = (r + number_of(commitment, key, text) * scalar) % L
    return commitment + s.to_bytes(32, "little")


def verify(key, text, signature):
    s = int.from_bytes(signature[32:], "little")
    point = decoded(key)
    if len(signature) != 64 or s >= L or is_weak(key) or point is None:
        return False
    minus = (P - point[0], point[1], 1, P - point[3])
    h = number_of(signature[:32], key, text) % L
    return encoded(added(times(s, BASE), times(h, minus))) == signature[:32]
