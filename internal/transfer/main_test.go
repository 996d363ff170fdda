package transfer_test

import (
	"testing"

	"github.com/pealhq/peal/internal/pgtest"
	"go.uber.org/goleak"
)

var shared pgtest.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(shared.Around(m))
}
