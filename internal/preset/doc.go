// Package preset holds the event catalogues of systems whose webhooks Peal can
// carry: for each event its description, the JSON Schema of its data and an
// example; and the format and the retry policy that the system's webhooks want.
//
// The catalogues lie in systems, a directory each: system.json with what the whole
// system shares, and a file for each event. They are part of the program.
package preset
