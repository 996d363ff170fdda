package config

// Texts returns the texts of settings.yaml by name.
func Texts() map[string]string { return texts() }
