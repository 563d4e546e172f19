#include "../../Present/include/StandInDriver.h"
