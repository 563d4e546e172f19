/// How reports look. Colours are variables, so that dark windows and paper change them alone.
enum StyleSheet {
    /// For a page with everything on it.
    static let page = colours + layout + marks + print

    /// For a drawing that stands alone.
    static let drawing = colours + "svg{color-scheme:light dark;\(font)}" + marks

    private static let font =
        "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif;"
        + "font-variant-numeric:tabular-nums"

    private static let light = """
        --page:#f6f7f8;--card:#fff;--ink:#1b2127;--soft:#59646f;--rule:#dfe3e7;\
        --grid:#eceff1;--axis:#a7b0b8;--tint:#f1f3f5;--link:#1f5fbf;\
        --s0:#2467c6;--s1:#d96c06;--s2:#0d8a68;--s3:#bf3d8b;--s4:#7650c9;--s5:#a98400;\
        --s6:#1f9fc0;--s7:#7c6c5f;--good:#15803d;--warn:#b57900;--bad:#c8372f;--mute:#9aa4ae
        """

    private static let dark = """
        --page:#12161a;--card:#1a1f25;--ink:#e7ebee;--soft:#a5b0ba;--rule:#323a42;\
        --grid:#282f36;--axis:#5d6871;--tint:#222931;--link:#82b1ff;\
        --s0:#6ba5f7;--s1:#f79a4b;--s2:#45c79d;--s3:#ee86bd;--s4:#b195f5;--s5:#dcbb48;\
        --s6:#5fcbe6;--s7:#bba999;--good:#4fc07f;--warn:#e0ac3c;--bad:#ff7a70;--mute:#6f7a85
        """

    private static let colours = """
        :root{\(light)}
        @media (prefers-color-scheme:dark){:root{\(dark)}}

        """

    private static let layout = """
        :root{color-scheme:light dark}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);\(font);font-size:15px;\
        line-height:1.55}
        main{max-width:1064px;margin:0 auto;padding:40px 24px 64px}
        header{margin-bottom:8px}
        h1{font-size:29px;line-height:1.2;letter-spacing:-.015em;margin:0 0 10px;text-wrap:balance}
        h2{font-size:19px;line-height:1.3;letter-spacing:-.005em;margin:44px 0 12px}
        p{margin:0 0 10px}
        ul{margin:0 0 10px;padding-left:20px}
        code{font:13px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;\
        background:var(--tint);border-radius:4px;padding:1px 4px}
        .summary{font-size:16.5px;color:var(--ink);max-width:74ch}
        .prose,.note{max-width:80ch}
        dl{display:flex;flex-wrap:wrap;gap:6px 28px;margin:18px 0 0;padding:14px 0;\
        border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
        dl div{min-width:0}
        dt{font-size:12px;color:var(--soft)}
        dd{margin:0;font-weight:600;overflow-wrap:anywhere}
        nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:14px;font-size:14px}
        a{color:var(--link);text-decoration:none}
        a:hover{text-decoration:underline}
        .charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px;\
        margin:0 0 16px}
        figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:10px;\
        padding:16px 16px 10px}
        figure.full{grid-column:1/-1}
        figcaption b{display:block;font-size:15px;line-height:1.35}
        figcaption span{display:block;color:var(--soft);font-size:13.5px;line-height:1.45;\
        margin-top:2px;max-width:88ch}
        .drawing{overflow-x:auto;margin-top:10px}
        .drawing svg{display:block;width:100%;height:auto}
        .table{overflow-x:auto;background:var(--card);border:1px solid var(--rule);\
        border-radius:10px;margin:0 0 16px}
        table{border-collapse:collapse;width:100%;font-size:13.5px;line-height:1.4}
        caption{text-align:left;font-weight:600;font-size:15px;padding:14px 16px 8px}
        th,td{padding:7px 14px;white-space:nowrap;text-align:left;vertical-align:top}
        th{font-weight:600;color:var(--soft);font-size:12.5px;border-bottom:1px solid var(--rule)}
        td{border-bottom:1px solid var(--grid)}
        tbody tr:last-child td{border-bottom:0}
        td.t{white-space:normal;min-width:9ch}
        th.n,td.n{text-align:right}
        th:first-child,td:first-child{padding-left:16px}
        tfoot td{border-top:1px solid var(--rule);border-bottom:0;font-weight:600}
        .dense{font-size:12.5px}
        .dense th,.dense td{padding:6px 7px}
        .dense td.t{min-width:0}
        .part{position:relative;min-width:96px}
        .part i{position:absolute;left:10px;top:5px;bottom:5px;background:var(--s0);opacity:.17;\
        border-radius:3px;width:calc((100% - 20px)*var(--part))}
        .part span{position:relative}
        .more{padding:0 16px;color:var(--soft)}
        .verdict{font-weight:600;white-space:nowrap}
        .verdict.holds{color:var(--good)}
        .verdict.fails{color:var(--bad)}
        .verdict.open{color:var(--soft)}
        .note{background:var(--card);border:1px solid var(--rule);\
        border-left:4px solid var(--mute);\
        border-radius:6px;padding:12px 16px 4px;margin:0 0 16px}
        .note.holds{border-left-color:var(--good)}
        .note.fails{border-left-color:var(--bad)}
        @media (max-width:820px){main{padding:24px 14px}\
        .charts{grid-template-columns:minmax(0,1fr)}\
        .full .drawing svg{min-width:700px}}

        """

    private static let marks = """
        .bg{fill:var(--card)}
        .st{font-size:15px;font-weight:600;fill:var(--ink)}
        .sl{font-size:12px;fill:var(--soft)}
        .sg{font-size:12.5px;font-weight:600;fill:var(--ink)}
        .sx{font-size:12px;fill:var(--soft)}
        .sv{font-size:11px;fill:var(--soft)}
        .sm{font-size:11.5px;fill:var(--soft);paint-order:stroke;stroke:var(--card);\
        stroke-width:3px;stroke-linejoin:round}
        .gr{stroke:var(--grid)}
        .ax{stroke:var(--axis)}
        .mk{stroke:var(--ink);stroke-opacity:.55;stroke-dasharray:2 3}
        .er{stroke:var(--ink);stroke-width:1.3}
        .bd{fill:var(--ink);fill-opacity:.07}
        .rw{fill:var(--tint)}
        .ln{fill:none;stroke:var(--c);stroke-width:1.9;stroke-linejoin:round;stroke-linecap:round}
        .da{stroke-dasharray:6 4;stroke-linecap:butt}
        .ar{fill:var(--c);fill-opacity:.16;stroke:none}
        .fi{fill:var(--c)}
        .hn{fill:var(--tint)}
        .hd{font-size:11px;fill:#14202b}
        .hl{font-size:11px;fill:#fff}
        .c0{--c:var(--s0)}.c1{--c:var(--s1)}.c2{--c:var(--s2)}.c3{--c:var(--s3)}
        .c4{--c:var(--s4)}.c5{--c:var(--s5)}.c6{--c:var(--s6)}.c7{--c:var(--s7)}
        .cg{--c:var(--good)}.cw{--c:var(--warn)}.cb{--c:var(--bad)}.cm{--c:var(--mute)}

        """

    /// Paper is white whatever the window was, and nothing is cut through.
    private static let print = """
        @media print{:root{\(light);--page:#fff;color-scheme:light}
        body{font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
        main{max-width:none;padding:0}nav{display:none}h2{break-after:avoid}
        figure,.note,tr{break-inside:avoid}.table{overflow:visible}thead{display:table-header-group}
        th,td{white-space:normal;padding:4px 8px}}
        @page{margin:16mm 14mm}

        """
}
