package btf

// ID is the number of a type within one Types table; 0 is void.
type ID uint32
