package wake_test

import (
	"testing"

	"github.com/pealhq/peal/internal/wake"
)

func TestSignalHasRoomForOne(t *testing.T) {
	signal := wake.New()
	for range 3 {
		signal.Send()
	}
	<-signal
	select {
	case <-signal:
		t.Error("three calls woke twice")
	default:
	}
	signal.Send()
	<-signal
}

func TestZeroSignalDoesNotBlock(t *testing.T) {
	var none wake.Signal
	none.Send()
}
