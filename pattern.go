package peal

import "strings"

// MatchPattern reports whether an event type is what a pattern asks for. "*"
// matches every type, "task.*" every type that begins with "task." (so
// task.created and task.comment.edited, not task itself), and anything else only
// itself.
func MatchPattern(pattern, eventType string) bool {
	if pattern == "*" || pattern == eventType {
		return true
	}
	prefix, isPrefix := strings.CutSuffix(pattern, "*")
	return isPrefix && strings.HasPrefix(eventType, prefix)
}

// ValidatePatterns checks a webhook's event patterns: 1 to [MaxPatterns], each an
// event type, a prefix of whole segments followed by ".*", or "*". The error has
// code [Invalid] and names the element.
func ValidatePatterns(patterns []string) error {
	if len(patterns) == 0 {
		return Invalidf("events", "is missing or empty: name event types or patterns, such as task.created, task.* or *")
	}
	if len(patterns) > MaxPatterns {
		return Invalidf("events", "has %d patterns, at most %d are allowed; use a wildcard such as task.*", len(patterns), MaxPatterns)
	}
	var faults []error
	for i, pattern := range patterns {
		if pattern == "*" {
			continue
		}
		if err := ValidateType(strings.TrimSuffix(pattern, ".*")); err != nil {
			faults = append(faults, Invalidf("events["+itoa(i)+"]", "must be an event type such as task.created, a prefix such as task.*, or *"))
		}
	}
	return Faults(faults...)
}
