// Package ext is the extension point that Traefik's module zip leaves out.
package ext

// HTTP adds nothing to Traefik's dynamic HTTP configuration.
type HTTP struct{}

// Router adds nothing to Traefik's dynamic router configuration.
type Router struct{}
