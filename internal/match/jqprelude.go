package match

import "strings"

// prelude has the functions that replace those of the language of the same name
// without the underscores, a definition a line. $__m is the run's meter.
const prelude = `
def __multiply(l; r): r as $r | l as $l | __product($l; $r; $__m) | $l * $r;
def __subtract(l; r): r as $r | l as $l | __product($l; $r; $__m) | $l - $r;
def __divide(l; r): r as $r | l as $l | __quotient($l; $r; $__m) | $l / $r;
def __modulo(l; r): r as $r | l as $l | __quotient($l; $r; $__m) | $l % $r;
def __assign(p; $x): __overlaps([path(p | __characters($__m)) | __charge($__m)]; $x; $__m) | (p = $x);
def __modify(p; f): __overlaps([path(p | __characters($__m)) | __charge($__m)]; null; $__m) | (p |= (f | __charge($__m)));
def __path(f): path(f) | __charge($__m);
def __paths: path(..) | __charge($__m) | select(. != []);
def __paths(f): path(.. | select(f)) | __charge($__m) | select(. != []);
def __del(f): [path(f) | __charge($__m)] as $p | __erases($p; $__m) | delpaths($p);
def __delpaths($p): __erases($p; $__m) | delpaths($p);
def __getpath($p): __keys($p; $__m) | getpath($p);
def __pick(f): . as $v | reduce (path(f) | __charge($__m)) as $p (null; __charge($__m) | setpath($p; $v | getpath($p)));
def __INDEX(rows; f): reduce rows as $row ({}; __each($__m) | .[$row | f | tostring] = $row);
def __INDEX(f): __INDEX(.[]; f);
def __range($n): __numbers(0; $n; 1; $__m) | range($n);
def __range($from; $to): __numbers($from; $to; 1; $__m) | range($from; $to);
def __range($from; $to; $by): __numbers($from; $to; $by; $__m) | range($from; $to; $by);
def __contains($x): __product(.; $x; $__m) | contains($x);
def __inside($x): __product(.; $x; $__m) | inside($x);
def __index($x): __product(.; $x; $__m) | index($x);
def __rindex($x): __product(.; $x; $__m) | rindex($x);
def __indices($x): __product(.; $x; $__m) | indices($x);
def __join($x): __product(.; $x; $__m) | join($x);
def __transpose: __grid($__m) | transpose;
def __explode: __spread($__m) | explode;
def __fromjson: __units(64; $__m) | fromjson;
def __strftime($f): __widths($f; $__m) | strftime($f);
def __match($re; $flags): __find($re; $flags; $__m)[];
def __match($re): if $re | type == "array" then __match($re[0]; $re[1]) else __match($re; null) end;
def __test($re; $flags): __finds($re; $flags; $__m);
def __test($re): if $re | type == "array" then __test($re[0]; $re[1]) else __test($re; null) end;
def __capture($re; $flags): __match($re; $flags) | .captures | _captures;
def __capture($re): __match($re) | .captures | _captures;
def __scan($re; $flags): __match($re; $flags + "g") | if .captures == [] then .string else [.captures[].string] end;
def __scan($re): __scan($re; null);
def __splits($re; $flags): __pieces($re; $flags; $__m)[];
def __splits($re): __pieces($re; null; $__m)[];
def __split($x): __spread($__m) | split($x);
def __split($re; $flags): __pieces($re; $flags; $__m);
def __sub($re; f; $flags): [__match($re; $flags)] as $ms | __splice($ms; [$ms[] | [.captures | _captures | f | __charge($__m)]]; $__m)[];
def __sub($re; f): __sub($re; f; null);
def __gsub($re; f; $flags): __sub($re; f; $flags + "g");
def __gsub($re; f): __sub($re; f; "g");
`

// preludeNeeds are the functions of the prelude that others of it call.
var preludeNeeds = map[string][]string{
	"__capture": {"__match"}, "__scan": {"__match"}, "__sub": {"__match"}, "__gsub": {"__sub", "__match"},
}

// preludeFor returns the definitions of the functions that a program uses.
func preludeFor(used map[string]bool) string {
	needed := make(map[string]bool, len(used))
	for name := range used {
		needed[name] = true
		for _, other := range preludeNeeds[name] {
			needed[other] = true
		}
	}
	var text strings.Builder
	for line := range strings.Lines(prelude) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "def "), ":")
		name, _, _ = strings.Cut(name, "(")
		if needed[name] {
			text.WriteString(line)
		}
	}
	return text.String()
}
