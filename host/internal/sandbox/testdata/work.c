// Work of several kinds, to compare with and without fuel. Built by meter_work_test.go.
typedef unsigned u32;
typedef unsigned long long u64;
#define EXPORT(name) __attribute__((export_name(#name))) u32 name

static u32 words[1 << 16];
static unsigned char bytes[1 << 16];

EXPORT(sum)(u32 n) { // a tight loop over memory
	u32 s = 0;
	for (u32 r = 0; r < n; r++)
		for (u32 i = 0; i < 4096; i++)
			s += words[i] ^ r;
	return s;
}

EXPORT(hash)(u32 n) { // a chain of arithmetic
	u64 h = 14695981039346656037ull;
	for (u32 r = 0; r < n; r++)
		for (u32 i = 0; i < 4096; i++)
			h = (h ^ bytes[i]) * 1099511628211ull;
	return (u32)h;
}

EXPORT(fib)(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); } // calls and little else

EXPORT(sieve)(u32 n) { // loops with a stride
	u32 primes = 0;
	for (u32 r = 0; r < n; r++) {
		for (u32 i = 0; i < sizeof bytes; i++)
			bytes[i] = 1;
		primes = 0;
		for (u32 i = 2; i < sizeof bytes; i++) {
			if (!bytes[i])
				continue;
			primes++;
			for (u32 k = 2 * i; k < sizeof bytes; k += i)
				bytes[k] = 0;
		}
	}
	return primes;
}

static __attribute__((noinline)) u32 less(u32 a, u32 b) { return a < b; }
static __attribute__((noinline)) u32 more(u32 a, u32 b) { return a > b; }
static u32 (*volatile order[2])(u32, u32) = {less, more};

static __attribute__((noinline)) void sort(u32 *a, int n, u32 (*before)(u32, u32)) {
	while (n > 1) { // indirect calls and recursion
		u32 pivot = a[n / 2];
		int i = 0, k = n - 1;
		while (i <= k) {
			while (before(a[i], pivot)) i++;
			while (before(pivot, a[k])) k--;
			if (i <= k) {
				u32 t = a[i];
				a[i++] = a[k];
				a[k--] = t;
			}
		}
		sort(a, k + 1, before);
		a += i;
		n -= i;
	}
}

EXPORT(quicksort)(u32 n) {
	u32 x = 1;
	for (u32 r = 0; r < n; r++) {
		for (u32 i = 0; i < 4096; i++)
			words[i] = x = x * 1664525 + 1013904223;
		sort(words, 4096, order[r & 1]);
	}
	return words[17];
}

EXPORT(interpret)(u32 n) { // a large switch in a loop
	u32 a = 1, b = 2, c = 3, pc = 0;
	for (u32 i = 0; i < n * 1000; i++) {
		switch ((pc ^ a) & 15) {
		case 0: a += b; break;
		case 1: b ^= c; break;
		case 2: c = a * 3; break;
		case 3: a -= c; break;
		case 4: b = (b << 7) | (b >> 25); break;
		case 5: c += pc; break;
		case 6: a ^= 0x5bd1e995; break;
		case 7: words[a & 0xfff] = b; break;
		case 8: b += words[c & 0xfff]; break;
		case 9: c ^= a >> 3; break;
		case 10: a = a * 5 + 1; break;
		case 11: b -= a; break;
		case 12: c |= 1; break;
		case 13: a += c >> 11; break;
		case 14: b = b * 9; break;
		default: c += b;
		}
		pc += 7;
	}
	return a ^ b ^ c;
}

static __attribute__((noinline)) u32 step(u32 x) { // small functions that call others
	return x * 2654435761u + 1;
}
static __attribute__((noinline)) u32 twice(u32 x) { return step(x) ^ step(x + 1); }

EXPORT(calls)(u32 n) {
	u32 x = n;
	for (u32 i = 0; i < n * 1000; i++)
		x = twice(x);
	return x;
}

EXPORT(matrix)(u32 n) { // three loops in each other, floating point
	static double a[64][64], b[64][64], c[64][64];
	for (int i = 0; i < 64; i++)
		for (int k = 0; k < 64; k++)
			a[i][k] = i + k, b[i][k] = i - k;
	for (u32 r = 0; r < n; r++)
		for (int i = 0; i < 64; i++)
			for (int k = 0; k < 64; k++) {
				double s = r;
				for (int j = 0; j < 64; j++)
					s += a[i][j] * b[j][k];
				c[i][k] = s;
			}
	return (u32)c[3][5];
}

EXPORT(copy)(u32 n) { // bulk memory in small pieces
	for (u32 i = 0; i < n * 1000; i++)
		__builtin_memcpy(bytes + (i & 1023), words + (i & 255), i & 63);
	return bytes[5];
}

static struct {
	u32 length, flags; // of a record in a ring
	u32 pid;
	u32 pad[5];
	u64 size;
	u32 port;
	u32 more[7];
} records[256];

EXPORT(events)(u32 n) { // a plugin that reads three fields of each record
	static u64 bytes_by_port[256];
	u32 seen = 0;
	for (u32 r = 0; r < n; r++) {
		unsigned char *at = (unsigned char *)records, *end = at + sizeof records;
		while (at < end) {
			u32 length = *(u32 *)at;
			u32 pid = *(u32 *)(at + 8), port = *(u32 *)(at + 40);
			if (pid != r)
				seen++;
			bytes_by_port[port & 255] += *(u64 *)(at + 32);
			at += (length ? length : 64) + 8;
		}
	}
	return seen + (u32)bytes_by_port[7];
}
