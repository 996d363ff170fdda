package message

const (
	// Values of any field.

	Missing             Message = "missing: is missing"
	Duplicate           Message = "duplicate: is a duplicate"
	Range               Message = "range: must be from {min} to {max}"
	WholeRange          Message = "whole_range: must be a whole number from {min} to {max}"
	NotWhole            Message = "not_whole: must be a whole number"
	OneOf               Message = "one_of: must be one of {names}"
	CharactersUpTo      Message = "characters_up_to: must have 1 to {n} characters"
	TooManyCharacters   Message = "too_many_characters: has {n} characters, at most {max} are allowed"
	TooManyBytes        Message = "too_many_bytes: is {n} bytes, at most {max} are allowed"
	MoreThanKept        Message = "more_than_kept: is {n} bytes, at most {max} are kept"
	BytesFromTo         Message = "bytes_from_to: must have {n} to {max} bytes"
	InvalidUTF8         Message = "invalid_utf8: is not valid UTF-8"
	NotUTF8             Message = "not_utf8: is not UTF-8"
	UTF8Text            Message = "utf8_text: must be UTF-8 text"
	ControlCharacters   Message = "control_characters: must not hold line breaks or control characters"
	DirectionCharacters Message = "direction_characters: must not hold line breaks, control characters or characters that change the " +
		"direction of writing"
	CopiedLineBreak Message = "copied_line_break: must not hold line breaks or control characters; a line break at the end often " +
		"comes from copying"
	OuterSpace       Message = "outer_space: must not start or end with white space, which would not arrive"
	PrintableASCII   Message = "printable_ascii: must be 1 to {n} printable ASCII characters"
	NameCharacters   Message = `name_characters: must be letters, digits and "._-", starting with a letter or digit`
	TenantCharacters Message = `tenant_characters: must be letters, digits and "._-:@", starting with a letter or digit`

	// JSON.

	InvalidJSON        Message = "invalid_json: is not valid JSON"
	InvalidJSONBecause Message = "invalid_json_because: is not valid JSON: {what}"
	InvalidJSONAt      Message = "invalid_json_at: is not valid JSON: {what} at byte {n}"
	IncompleteJSON     Message = "incomplete_json: is not complete JSON: it ends after {n} bytes"
	NestedTooDeep      Message = "nested_too_deep: is nested deeper than {max} levels at byte {n}"
	HalfSurrogate      Message = "half_surrogate: contains half of a surrogate pair"
	SeveralValues      Message = "several_values: holds more than one JSON value"
	NotJSONObject      Message = "not_json_object: must be a JSON object"
	NotArray           Message = "not_array: must be an array"
	NotString          Message = "not_string: must be a string"
	NotTimestamp       Message = "not_timestamp: must be an RFC 3339 time with an offset and at most nine fractional digits, such " +
		"as 2026-11-21T09:30:00.25+01:00"
)
