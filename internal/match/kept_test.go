package match_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/match"
)

// However many webhooks have programs, and however large, only so many stay compiled;
// all of them work.
func TestCompiledProgramsAreBounded(t *testing.T) {
	limits := match.DefaultLimits()
	limits.TransformTime, limits.FilterTime = time.Hour, time.Hour
	var routes []*match.Route
	for i := range 300 {
		routes = append(routes, match.Load(&peal.Webhook{
			Transform: fmt.Sprintf("{%s n: %d}", strings.Repeat("a: .id, ", (peal.MaxProgram-20)/8), i),
			Filter:    fmt.Sprintf(`data != %d && not (type matches "^(a|b){300}$")`, i),
		}, limits))
	}
	for i, route := range routes {
		if got, err := transform(route, event(`1`)); err != nil || !strings.HasSuffix(string(got), fmt.Sprintf(`"n":%d}`, i)) {
			t.Fatalf("program %d: %s, %v", i, got, err)
		}
		if got, err := wants(route, match.FactsOf(event(`-1`))); err != nil || !got {
			t.Fatalf("filter %d: %v, %v", i, got, err)
		}
		if compiled := match.Compiled(); compiled > match.MaxCompiled {
			t.Fatalf("after %d webhooks, compiled programs take %d bytes", i, compiled)
		}
	}
	if compiled := match.Compiled(); compiled < match.MaxCompiled/2 {
		t.Errorf("compiled programs take %d bytes: the test is too small", compiled)
	}
	if got, err := transform(routes[0], event(`1`)); err != nil || !strings.HasSuffix(string(got), `"n":0}`) {
		t.Errorf("the first again: %s, %v", got, err)
	}
}

// What a program takes in memory once it is compiled is no more than what it counts as.
func TestCompiledProgramsAreWeighed(t *testing.T) {
	if racing {
		t.Skip("the race detector takes memory too")
	}
	fill := func(part string) string { return strings.Repeat(part, peal.MaxProgram*9/10/len(part)) }
	for _, w := range []peal.Webhook{
		{Transform: "{" + fill("a: ., ") + "b: 1}"}, {Transform: "[" + fill(`gsub("a"; "b"), `) + "1]"}, {Transform: "[" + fill("1*., ") + "1]"}, {Transform: "[" + fill(".a|=1, ") + "1]"},
		{Transform: fill(". as $a|") + "$a"}, {Transform: "." + fill("|.")}, {Transform: "." + fill("[]")}, {Transform: strings.Repeat("[", 3000) + "1" + strings.Repeat("]", 3000)}, {Transform: "[" + fill(`"\(1)",`) + "1]"},
		{Transform: fill("(1|2)|") + "1"}, {Transform: "[" + fill("walk(.),") + "1]"}, {Transform: ".id"},
		{Filter: strings.Repeat("data.a==1||", 80) + "true"}, {Filter: strings.Repeat(`data.a matches "(a|b){120}"||`, 8) + "true"}, {Filter: `data.a matches "[^\\pL\\pN]{15}"`}, {Filter: "true"},
	} {
		const n = 5
		var programs []any
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&before)
		weighed := 0
		for range n {
			program, bytes, err := match.CompiledSize(&w)
			if err != nil {
				t.Errorf("%.40s%.40s: %v", w.Filter, w.Transform, err)
			}
			programs = append(programs, program)
			weighed += bytes
		}
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&after)
		if took := int(after.HeapAlloc) - int(before.HeapAlloc); took > weighed+64<<10 {
			t.Errorf("%.40s%.40s takes %d bytes, weighed as %d", w.Filter, w.Transform, took/n, weighed/n)
		} else if testing.Verbose() {
			fmt.Printf("%.40s%.40s takes %d bytes, weighed as %d\n", w.Filter, w.Transform, took/n, weighed/n)
		}
		runtime.KeepAlive(programs)
	}
}
