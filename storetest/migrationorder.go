package storetest

import (
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// firstFree is where the rule of the fives starts: below it, migrations came one at a time.
const firstFree = 200

// RunMigrationOrders runs a test for each of many lists of migrations that a database can have
// been left with by an earlier commit: those of merged, cut off at each place, and for the
// migrations since then, which are independent of each other except within a five of numbers,
// some of each five in some order. The test applies the list in its order, opens the database,
// and returns a description of what it came to, which must be the same for all.
func RunMigrationOrders(t *testing.T, files fs.FS, merged []int64, random int,
	test func(t *testing.T, applied []int64) string) {
	t.Helper()
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var fives [][]int64
	for _, name := range names {
		digits, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if version < firstFree {
			if !slices.Contains(merged, version) {
				t.Errorf("migration %d is not in the list of those that were merged", version)
			}
			continue
		}
		if n := len(fives); n == 0 || fives[n-1][0]/5 != version/5 {
			fives = append(fives, nil)
		}
		fives[len(fives)-1] = append(fives[len(fives)-1], version)
	}
	lists := [][]int64{nil}
	for i := range merged {
		lists = append(lists, merged[:i+1])
	}
	const seed = 20261130
	draw := rand.New(rand.NewPCG(seed, seed))
	for len(fives) > 0 && random > 0 {
		random--
		lists = append(lists, append(slices.Clone(merged), someOf(draw, fives)...))
	}
	want := ""
	for i, list := range lists {
		t.Run(nameOf(i, list), func(t *testing.T) {
			got := test(t, list)
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("after %v the database came to\n%s\nwant that of a new one:\n%s", list, onlyIn(got, want),
					onlyIn(want, got))
			}
		})
	}
}

// someOf returns the first migrations of each group of five, mixed.
func someOf(draw *rand.Rand, fives [][]int64) (list []int64) {
	left := make([][]int64, len(fives))
	for i, five := range fives {
		left[i] = five[:draw.IntN(len(five)+1)]
	}
	for {
		left = slices.DeleteFunc(left, func(five []int64) bool { return len(five) == 0 })
		if len(left) == 0 {
			return list
		}
		i := draw.IntN(len(left))
		list, left[i] = append(list, left[i][0]), left[i][1:]
	}
}

func nameOf(i int, list []int64) string {
	last := "none"
	if len(list) > 0 {
		last = strconv.FormatInt(list[len(list)-1], 10)
	}
	return strconv.Itoa(i) + "_to_" + last
}

// onlyIn returns the lines of a text that another one lacks.
func onlyIn(text, other string) string {
	lines := strings.Split(other, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"),
		func(line string) bool { return slices.Contains(lines, line) }), "\n")
}
