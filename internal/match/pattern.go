package match

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// The bounds of a regular expression: matching costs up to instructions × bytes.
const (
	maxRegexp      = 1000    // instructions
	maxRegexpRunes = 100_000 // ends of ranges in all its classes
	regexpBytes    = 120     // of memory for an instruction
	regexpText     = 16      // of memory for a byte of its text
)

var errRegexp = errors.New("the regular expression is too large: repeat less in it")

// pattern is a compiled regular expression.
type pattern struct {
	re    *regexp.Regexp
	size  int // instructions
	bytes int // what it takes in memory, about
}

// patternSize returns about how many instructions a regular expression has once its
// repetitions are written out, and refuses one that has too many before they are.
func patternSize(text string) (int, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	size := repeated(parsed)
	if size > 4*maxRegexp {
		return 0, errRegexp
	}
	return size, nil
}

func repeated(re *syntax.Regexp) int {
	size := 1
	if re.Op == syntax.OpLiteral {
		size = len(re.Rune)
	}
	for _, sub := range re.Sub {
		size = min(size+repeated(sub)+1, maxRegexpRunes)
	}
	if re.Op == syntax.OpRepeat {
		size = min(size*max(re.Min+1, re.Max), maxRegexpRunes)
	}
	return size
}

func compilePattern(text string) (*pattern, error) {
	if _, err := patternSize(text); err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	runes := 0
	for i := range program.Inst {
		runes += len(program.Inst[i].Rune)
	}
	if len(program.Inst) > maxRegexp || runes > maxRegexpRunes {
		return nil, errRegexp
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &pattern{re: re, size: len(program.Inst), bytes: regexpBytes*len(program.Inst) + 8*runes + regexpText*len(text)}, nil
}
