"""The tree, compact targets, the schedule and work, in whole numbers of any length."""
from coding import sha

DAY = 86400


def tree(leaves):
    """The root as RFC 9162 defines it."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    left = 1
    while 2 * left < len(leaves):
        left *= 2
    return sha(b"\1" + tree(leaves[:left]) + tree(leaves[left:]))


def grown(peaks, leaf):
    """The whole trees, as (leaves, root) from the left, that a list one longer is made of."""
    peaks, size, root = list(peaks), 1, sha(b"\0" + leaf)
    while peaks and peaks[-1][0] == size:
        root = sha(b"\1" + peaks.pop()[1] + root)
        size *= 2
    return (*peaks, (size, root))


def root_of(peaks):
    if not peaks:
        return sha(b"")
    root = peaks[-1][1]
    for _, left in reversed(peaks[:-1]):
        root = sha(b"\1" + left + root)
    return root


def target(bits):
    exponent, mantissa = bits >> 24, bits & 0x7fffff
    return mantissa << 8 * (exponent - 3) if exponent > 3 else mantissa >> 8 * (3 - exponent)


def compact(number):
    size = (number.bit_length() + 7) // 8
    mantissa = number >> 8 * (size - 3) if size > 3 else number << 8 * (3 - size)
    if mantissa & 0x800000:
        return size + 1 << 24 | mantissa >> 8
    return size << 24 | mantissa


def is_canonical(bits):
    return not bits & 0x800000 and 1 <= target(bits) < 1 << 256 and compact(target(bits)) == bits


def towards_zero(number, divisor):
    return number // divisor if number >= 0 else -(-number // divisor)


def asert(bits, seconds, blocks, interval, halflife, floor):
    exponent = towards_zero((seconds - interval * (blocks + 1)) * 65536, halflife)
    shift, part = exponent >> 16, exponent & 0xffff
    factor = 65536 + (195766423245049 * part + 971821376 * part ** 2 + 5127 * part ** 3 +
                      2 ** 47 >> 48)
    if shift - 16 >= 240:
        return floor
    number = target(bits) * factor
    number = number << shift - 16 if shift >= 16 else number >> 16 - shift
    if number > target(floor):
        return floor
    return compact(max(number, 1))


def bits_due(rules, parent, time):
    seconds = min(time - parent.time, 2 ** 31)
    return asert(parent.bits, seconds, 0, rules["interval"], rules["halflife"], rules["floor"])


def work(bits):
    return 2 ** 256 // (target(bits) + 1)


def stamp_wanted(rate, size, ttl):
    return rate * size * -(-ttl // DAY)


def stamp_value(leaf):
    return int.from_bytes(sha(leaf)[:8], "big")
