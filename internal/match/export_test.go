package match

// What the tests take for an oracle.
var Decode = decode

// Encode writes a value as a transform's result is written.
func Encode(value any, limit int) ([]byte, error) {
	e := encoder{limit: limit}
	err := e.value(value, 0)
	return e.out, err
}
