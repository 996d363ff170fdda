package transfer_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/pealhq/peal/internal/pgtest"
)

var shared pgtest.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(shared.Around(m))
}
