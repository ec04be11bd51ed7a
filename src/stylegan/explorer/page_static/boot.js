// The page with no server: the network is computed here, by onnxruntime-web.

import { start } from "./main.js";
import { staticEngine } from "./static.js";

start(staticEngine());
