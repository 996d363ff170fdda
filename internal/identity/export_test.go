package identity

// ProviderCalls is providerCalls.
const ProviderCalls = providerCalls

// OIDCWaiting is how many wait for the provider.
func (i *Identity) OIDCWaiting() int { return len(i.provider.calls) }
