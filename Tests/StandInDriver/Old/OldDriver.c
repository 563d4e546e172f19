// The stand-in as a driver for CUDA 12.2 would be: without green contexts.
#define STANDIN_OLD 1
#include "../Present/Control.c"
#include "../Present/Devices.c"
#include "../Present/Greens.c"
#include "../Present/Management.c"
#include "../Present/Memory.c"
#include "../Present/Streams.c"
