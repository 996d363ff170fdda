// Package custom makes formats of what operators describe in their configuration: a
// body as a jq program, headers as templates, and how the request is signed.
//
// A description is tried when it is read: what does not compile, works without end,
// gives no single value, or names what is not there, is refused with the field that
// is wrong. What fails later, because of an event's data, costs that delivery only.
package custom
