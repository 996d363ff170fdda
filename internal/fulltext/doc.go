// Package fulltext cuts texts into words, and finds the words of a query in texts.
//
// Both stores index the words that [Index] gives and look at what they find with
// [Query.In], so that a query finds the same in each of them.
//
// A word is a run of letters and digits in lower case, without accents: Zürich, ZURICH
// and the JSON text "Z\u00fcrich" have the same word. Whatever else there is only stands
// between words, so that an e-mail address, a UUID or a number with a point is a few
// words in a row. Characters of scripts that are written without spaces are words of
// their own.
package fulltext

// Limits of what is looked at.
const (
	MaxText     = 64 << 10 // bytes of one text; what is behind them is not looked at
	MaxWord     = 64       // bytes of a word; a longer one is known by its first ones
	MaxDocument = 1 << 20  // bytes of all texts that Index takes words from
)
