# The short way to check a receipt, with nothing but the standard library. Source: bmsg-format(5), "Receipt".
import sys, re, hashlib, base64
H=lambda b: hashlib.sha512(b).digest()
def root(i,n,r,proof):                      # RFC 9162 2.1.3.2 over SHA-512
    s=n-1
    assert i<=s
    for p in proof:
        assert s
        if i&1 or i==s:
            r=H(b"\1"+p+r)
            while not i&1 and i: i>>=1; s>>=1
        else: r=H(b"\1"+r+p)
        i>>=1; s>>=1
    assert s==0
    return r
kv=[l.split(" ",1) for l in sys.stdin.read().splitlines()]; assert kv[0]==["bmsg-receipt","1"] and re.fullmatch("bmsg-receipt chain head nonce index( path)* header seal( anchor( past)*)?( body)?( key)?"," ".join(k for k,_ in kv))
one=lambda k: next((v for a,v in kv if a==k),None); b64=base64.b64decode
many=lambda k: [b64(v) for a,v in kv if a==k]
head,hdr=b64(one("head")),b64(one("header")); nonce=bytes.fromhex(one("nonce"))
assert len(hdr)==256 and len(nonce)==8 and head[:4]==b"bmM1" and hdr[:4]==b"bmH1" and head[8:16].hex()==one("chain")[:16]
mid=H(head); count=int.from_bytes(hdr[20:24],"big")
assert root(int(one("index")),count,H(b"\0"+mid+nonce),many("path"))==hdr[120:184]; bid=H(hdr)
if one("anchor"):
    a=b64(one("anchor")); n=int.from_bytes(a[4:8],"big"); h=int.from_bytes(hdr[4:8],"big")
    assert root(h,n,H(b"\0"+bid),many("past"))==a[184:248]
    print("anchor block",n,H(a).hex()[:32])
if one("body"): assert H(b64(one("body")))==head[-64:]
print("message",mid.hex()[:32],"in block",int.from_bytes(hdr[4:8],"big"),bid.hex()[:32],"time",int.from_bytes(hdr[8:16],"big"))
