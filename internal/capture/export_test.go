package capture

var Words = words
