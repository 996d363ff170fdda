package theme

// Contrast returns the contrast ratio of two colours, 1 to 21 (WCAG 2.2). Both must be #rrggbb.
func Contrast(a, b string) float64 { return contrast(parse(a), parse(b)) }
