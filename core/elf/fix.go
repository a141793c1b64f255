package elf

// fixTypes makes the BTF what the kernel accepts.
func (l *loader) fixTypes() error {
	return nil
}
