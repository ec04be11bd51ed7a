// The page with a server behind it.

import { serverEngine } from "./engine.js";
import { start } from "./main.js";

start(serverEngine());
