package dashboard

// Visible is what a page shows of somebody's text.
func Visible(text any) string { return string(visible(text).Text) }

// ColouredJSON is the same for what may be JSON.
func ColouredJSON(text any) string { return string(colourJSON(text).Text) }
